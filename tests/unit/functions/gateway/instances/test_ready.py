"""Who is taken in, who is kept and who is let go, by what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.instances.ready import ready

ANSWERS = {"ready": True, "not ready": False, "silent": None}


class World:
    """What DNS lists, and what each of those says."""

    def __init__(self) -> None:
        self.says: dict[str, bool | None] = {}
        self.asked: list[str] = []

    async def source(self, _name: str) -> frozenset[str]:
        return frozenset(self.says)

    async def ask(self, address: str) -> bool | None:
        self.asked.append(address)
        return self.says[address]


@pytest.mark.parametrize(
    ("said", "members"),
    [
        (["ready"], [True]),
        (["not ready", "ready"], [False, True]),
        (["silent", "ready"], [False, True]),
        (["ready", "not ready"], [True, False]),
        (["ready", "silent", "silent"], [True, True, True]),
        (["ready", "not ready", "silent"], [True, False, False]),
        (["ready", "gone", "silent"], [True, False, False]),
    ],
    ids=lambda value: ", ".join(map(str, value)),
)
async def test_one_after_another(said: list[str], members: list[bool]) -> None:
    world = World()
    source = ready(world.source, world.ask)
    found = []
    for word in said:
        world.says = {} if word == "gone" else {"a": ANSWERS[word]}
        found.append("a" in await source("users"))
    assert found == members


async def test_each_is_judged_by_what_it_says_itself() -> None:
    world = World()
    world.says = {"a": True, "b": False, "c": None, "d": True}
    assert await ready(world.source, world.ask)("users") == {"a", "d"}
    assert sorted(world.asked) == ["a", "b", "c", "d"]


async def test_names_are_kept_apart() -> None:
    world = World()
    source = ready(world.source, world.ask)
    world.says = {"a": True}
    await source("users")
    world.says = {"a": None}
    assert await source("orders") == frozenset()
    assert await source("users") == {"a"}


async def test_a_source_that_cannot_say_says_so() -> None:
    async def dark(_name: str) -> frozenset[str]:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  which one is the source's to say
        await ready(dark, World().ask)("users")


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from([True, False, None]))))
async def test_a_member_was_ready_since_it_was_last_listed_anew(rounds: list[dict[str, bool | None]]) -> None:
    world, members = World(), set[str]()
    source = ready(world.source, world.ask)
    for world.says in rounds:
        members = {each for each, said in world.says.items() if said or (said is None and each in members)}
        assert await source("users") == members
