from collections.abc import Collection

from functions.gateway.stages.cache.levels import ALONE, HEARD, UNTOLD, Began, Levels
from tests.unit.functions.gateway.stages.cache.heads import NOW, held
from tests.unit.functions.gateway.stages.cache.shared import Shared

KEY = b"things /1"
STORED = held("Cache-Control: max-age=60", 'Cache-Groups: "one"')


class Clock:
    """Seconds, as a test moves them."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def heard(far: Shared, clock: Clock | None = None) -> Levels:
    """A gateway that hears of invalidations."""
    clock = clock or Clock()
    levels = Levels(100_000, far, clock, clock)
    await levels.heard()
    return levels


async def test_what_is_kept_is_held_until_its_group_is_invalidated() -> None:
    levels = Levels(100_000)
    levels.keep("things", KEY, STORED, Began(levels.now))
    assert levels.held(KEY) == (STORED,)
    await levels.invalidate([b"users group one"])
    assert levels.held(KEY) == (STORED,)
    await levels.invalidate([b"things group one"])
    assert levels.held(KEY) == ()


async def test_what_began_before_an_invalidation_is_not_kept() -> None:
    levels = Levels(100_000)
    began = Began(levels.now)
    await levels.invalidate([b"things group one"])
    levels.keep("things", KEY, STORED, began)
    assert levels.held(KEY) == ()


def test_what_is_outdated_goes() -> None:
    levels = Levels(100_000)
    levels.keep("things", KEY, STORED, Began(levels.now))
    levels.drop(KEY, [STORED])
    assert levels.held(KEY) == ()


async def test_what_one_gateway_keeps_another_finds_and_holds() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    one.keep("things", KEY, STORED, (await one.recall(KEY)).began)
    assert other.held(KEY) == ()
    assert list((await other.recall(KEY)).held) == [STORED]
    assert other.held(KEY) == (STORED,)
    assert other.recalls == {"found": 1, "missed": 0, "away": 0}


async def test_the_newer_answer_counts_on_whichever_level_it_is() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    old, new = (held("Cache-Control: max-age=60", age=age, body=b"%d" % age) for age in (20.0, 10.0))
    other.keep("things", KEY, old, Began(other.now))
    one.keep("things", KEY, new, (await one.recall(KEY)).began)
    assert list((await other.recall(KEY)).held) == [new]
    far.shelf.put(KEY, old, ())
    assert list((await other.recall(KEY)).held) == [new]


async def test_a_fill_of_before_an_invalidation_is_kept_on_no_level() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    began = (await one.recall(KEY)).began
    await other.invalidate([KEY])
    one.keep("things", KEY, STORED, began)
    assert far.shelf.held(KEY) == ()


async def test_what_a_fill_that_level_two_was_not_asked_before_brings_stays_here() -> None:
    far = Shared()
    levels = await heard(far)
    levels.keep("things", KEY, STORED, Began(levels.now))
    assert (levels.held(KEY), far.shelf.held(KEY)) == ((STORED,), ())


async def test_who_hears_nothing_asks_about_all_that_is_not_new_and_leaves_level_two_alone() -> None:
    far, clock = Shared(), Clock()
    levels = await heard(far, clock)
    levels.keep("things", KEY, STORED, Began(levels.now))
    clock.now += HEARD
    assert levels.alone
    assert [(one.always, one.strict) for one in levels.held(KEY)] == [(False, False)]
    clock.now = NOW + ALONE + 1
    assert [(one.always, one.strict) for one in (await levels.recall(KEY)).held] == [(True, True)]
    assert far.asked == 0
    await levels.heard()
    assert levels.held(KEY) == (STORED,)


async def test_a_level_two_that_does_not_answer_is_left_alone_until_it_is_heard_of() -> None:
    far = Shared()
    levels = await heard(far)
    far.away = True
    assert (await levels.recall(KEY)).held == ()
    levels.lost()
    await levels.recall(KEY)
    assert (far.asked, levels.recalls["away"]) == (1, 1)


async def test_an_invalidation_that_could_not_be_told_is_told_before_anything_is_trusted() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    one.keep("things", KEY, STORED, (await one.recall(KEY)).began)
    far.away = True
    await other.invalidate([KEY])
    other.lost()
    await other.heard()
    assert other.alone
    far.away = False
    await other.heard()
    assert (other.alone, far.shelf.held(KEY)) == (False, ())


async def test_what_is_invalidated_again_while_it_is_told_is_told_again() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    other.tell_later([KEY])
    tell = far.invalidate

    async def meanwhile(names: Collection[bytes]) -> bool:
        far.invalidate = tell  # type: ignore[method-assign]
        told = await far.invalidate(names)
        one.keep("things", KEY, STORED, (await one.recall(KEY)).began)
        other.tell_later([KEY])
        return told

    far.invalidate = meanwhile  # type: ignore[method-assign]
    await other.heard()
    assert far.shelf.held(KEY)
    await other.heard()
    assert not far.shelf.held(KEY)


async def test_when_more_waits_to_be_told_than_is_remembered_level_two_forgets_everything() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    one.keep("things", KEY, STORED, (await one.recall(KEY)).began)
    far.away = True
    other.tell_later([KEY])
    other.tell_later([b"things /%d" % number for number in range(20, 20 + UNTOLD)])
    other.lost()
    await other.heard()
    assert other.alone
    far.away = False
    await other.heard()
    assert (other.alone, far.shelf.held(KEY)) == (False, ())


async def test_who_may_have_missed_something_forgets_everything() -> None:
    levels = Levels(100_000)
    began = Began(levels.now)
    levels.keep("things", KEY, STORED, began)
    levels.forget_all()
    levels.keep("things", KEY, STORED, began)
    assert levels.held(KEY) == ()
