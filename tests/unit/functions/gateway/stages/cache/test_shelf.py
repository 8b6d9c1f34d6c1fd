"""Level one as a state machine: it never holds more than its bytes, never an answer that was taken from it."""

from collections.abc import Callable, Collection

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.shelf import VARIANTS, Shelf
from tests.unit.functions.gateway.stages.cache.heads import get, held

MOST = 40_000
KEYS = [b"key %d" % number for number in range(30)]
TAGS = [b"tag %d" % number for number in range(4)]


def of(size: int, language: str = "") -> Stored:
    asked = get(f"Accept-Language: {language}") if language else get()
    return held("Cache-Control: max-age=60", "Vary: Accept-Language", asked=asked, body=b"x" * size)


class Kept(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf(MOST)
        self.model: dict[tuple[bytes, bytes], Stored] = {}
        self.tagged: dict[bytes, set[bytes]] = {}

    @rule(
        key=st.sampled_from(KEYS),
        size=st.integers(0, 6000),
        language=st.sampled_from(["", "en", "de"]),
        tags=st.sets(st.sampled_from(TAGS)),
    )
    def put(self, key: bytes, size: int, language: str, tags: set[bytes]) -> None:
        stored = of(size, language)
        if key not in self.shelf._targets:  # what was said of an answer that has left says nothing of the next
            self.tagged.pop(key, None)
        self.shelf.put(key, stored, tags)
        self.model[key, stored.variant] = stored
        self.tagged.setdefault(key, set()).update(tags)

    @rule(key=st.sampled_from(KEYS))
    def look(self, key: bytes) -> None:
        for stored in self.shelf.held(key):
            assert self.model.get((key, stored.variant)) is stored, "what is held is the last that was put"

    @rule(name=st.sampled_from([*KEYS, *TAGS]))
    def invalidate(self, name: bytes) -> None:
        self.shelf.invalidate([name])
        gone = {key for key in KEYS if key == name or name in self.tagged.get(key, ())}
        self.model = {place: stored for place, stored in self.model.items() if place[0] not in gone}
        for key in gone:
            assert self.shelf.held(key) == (), "what is invalidated is not held"
            self.tagged.pop(key, None)

    @rule(key=st.sampled_from(KEYS), language=st.sampled_from(["", "en", "de"]))
    def drop(self, key: bytes, language: str) -> None:
        self.shelf.drop(key, [of(0, language)])
        self.model.pop((key, of(0, language).variant), None)

    @rule()
    def clear(self) -> None:
        self.shelf.clear()
        assert len(self.shelf) == 0
        self.model.clear()
        self.tagged.clear()

    @invariant()
    def its_bytes_are_bounded_and_right(self) -> None:
        targets = self.shelf._targets
        weights = {key: target.weight for key, target in targets.items()}
        for key, target in targets.items():
            assert target.weight > len(key) + sum(map(len, target.tags)) + sum(one.weight for one in target.stored)
        assert sum(weights.values()) == self.shelf.bytes <= MOST
        new = sum(weight for key, weight in weights.items() if not targets[key].proven)
        assert new == self.shelf._new_bytes
        assert {*self.shelf._new, *self.shelf._old} == {*targets}
        assert {key for keys in self.shelf._tagged.values() for key in keys} <= {*targets}


TestKept = Kept.TestCase
TestKept.settings = settings(max_examples=40, stateful_step_count=60)


class NeverEvicts(Shelf):
    def _evict(self) -> None:
        self.bytes = min(self.bytes, self._most)


class ForgetsTags(Shelf):
    def invalidate(self, names: Collection[bytes]) -> int:
        return super().invalidate([name for name in names if name in KEYS])


class KeepsTheOld(Shelf):
    def drop(self, key: bytes, outdated: object = None) -> None:
        if outdated is None:
            super().drop(key)


def some_steps(make: Callable[[int], Shelf]) -> None:
    """A walk through the machine that passes every invariant."""
    machine = Kept()
    machine.shelf = make(MOST)
    for key in KEYS:
        machine.put(key, 3000, "", {TAGS[0]})
        machine.its_bytes_are_bounded_and_right()
        machine.look(key)
    machine.drop(KEYS[-1], "")
    machine.look(KEYS[-1])
    machine.invalidate(TAGS[0])


def test_a_shelf_that_is_whole_passes() -> None:
    some_steps(Shelf)


@pytest.mark.parametrize("broken", [NeverEvicts, ForgetsTags, KeepsTheOld])
def test_the_machine_notices_a_shelf_that_is_broken(broken: type[Shelf]) -> None:
    with pytest.raises(AssertionError):
        some_steps(broken)


def test_what_is_asked_for_again_outlives_a_crawler() -> None:
    shelf = Shelf(MOST)
    shelf.put(b"popular", of(100), [])
    shelf.held(b"popular")
    for number in range(1000):
        shelf.put(b"once %d" % number, of(100), [])
        shelf.held(b"popular")
    assert shelf.held(b"popular")
    assert shelf.evicted > 900


def test_variants_of_one_target_are_bounded() -> None:
    shelf = Shelf(1_000_000)
    for number in range(2 * VARIANTS):
        shelf.put(b"key", of(0, f"x-{number}"), [])
    assert len(shelf.held(b"key")) == VARIANTS
    assert shelf.held(b"key")[0].selecting.endswith(b"x-31")


def test_what_is_too_large_takes_nobodys_place_and_ends_what_was_there() -> None:
    shelf = Shelf(MOST)
    shelf.put(b"other", of(10), [])
    shelf.put(b"key", of(10), [])
    shelf.put(b"key", of(MOST // 2), [])
    assert shelf.held(b"key") == ()
    assert shelf.held(b"other")
