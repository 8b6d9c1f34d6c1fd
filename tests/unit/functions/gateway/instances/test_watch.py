"""Membership: what is told of whom, and to whom."""

import asyncio
from collections import Counter
from collections.abc import Callable

from functions.gateway.instances.watch import EAGER, Instances, Membership
from tests.virtual import played

OFTEN = 0.001  # seconds


def membership(*addresses: str) -> Membership:
    made = Membership("users")
    made.update(frozenset(addresses))
    return made


def test_addresses_are_in_order() -> None:
    assert membership("b", "a").addresses == ("a", "b")


def test_whoever_left_is_told_once() -> None:
    left: list[str] = []
    known = membership("a", "b")
    known.on_left(left.append)
    known.update(frozenset({"b", "c"}))
    known.update(frozenset({"b", "c"}))
    assert left == ["a"]


def test_everyone_who_asked_is_told() -> None:
    told: Counter[str] = Counter()
    known = membership("a")
    for _ in range(2):
        known.on_left(lambda address: told.update([address]))
    known.update(frozenset())
    assert told == {"a": 2}


def test_whoever_is_told_sees_that_it_has_left() -> None:
    seen: list[tuple[str, ...]] = []
    known = membership("a", "b")
    known.on_left(lambda _: seen.append(known.addresses))
    known.update(frozenset({"b"}))
    assert seen == [("b",)]


def test_a_reader_keeps_what_it_has_read() -> None:
    known = membership("a")
    kept = known.addresses
    known.update(frozenset({"b"}))
    assert kept == ("a",)


def test_the_same_answer_changes_nothing() -> None:
    known = membership("a")
    kept = known.addresses
    known.update(frozenset({"a"}))
    assert known.addresses is kept


async def test_whoever_watches_while_another_has_begun_waits_for_the_first_answer_too() -> None:
    asked = asyncio.Event()
    answer = asyncio.Event()

    async def slow(_name: str) -> frozenset[str]:
        asked.set()
        await answer.wait()
        return frozenset({"a"})

    instances = Instances(slow, OFTEN)
    first = asyncio.create_task(instances.watch("users"))
    await asked.wait()
    second = asyncio.create_task(instances.watch("users"))
    await asyncio.sleep(0)
    assert not second.done()
    answer.set()
    one, other = await asyncio.gather(first, second)
    assert one is other
    assert other.addresses == ("a",)
    await instances.close()


async def test_nothing_goes_on_once_it_is_closed() -> None:
    async def nobody(_name: str) -> frozenset[str]:
        return frozenset()

    instances = Instances(nobody, OFTEN)
    await instances.watch("users")
    assert len(asyncio.all_tasks()) == 2
    await instances.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_who_has_nobody_asks_oftener() -> None:
    async def play(clock: Callable[[], float]) -> list[float]:
        asked: list[float] = []
        enough = asyncio.Event()

        async def source(_name: str) -> frozenset[str]:
            asked.append(round(clock(), 3))
            if len(asked) == 5:
                enough.set()
            return frozenset({"a"}) if len(asked) > 2 else frozenset()

        instances = Instances(source, interval=1.0)
        await instances.watch("users")
        await enough.wait()
        await instances.close()
        return [round(moment - asked[0], 3) for moment in asked]

    assert played(play) == [0.0, 1 / EAGER, 2 / EAGER, 1 + 2 / EAGER, 2 + 2 / EAGER]


def test_whoever_does_not_want_to_know_any_more_is_told_nothing() -> None:
    left: list[str] = []
    known, call = membership("a"), left.append
    known.on_left(call)
    known.off_left(call)
    known.update(frozenset())
    assert left == []


async def test_a_name_that_nobody_watches_any_more_has_no_members_and_is_asked_for_no_longer() -> None:
    asked: list[str] = []

    async def source(name: str) -> frozenset[str]:
        asked.append(name)
        return frozenset({"a"})

    instances = Instances(source, OFTEN)
    left: list[str] = []
    one, other = await instances.watch("one"), await instances.watch("other")
    one.on_left(left.append)
    await instances.leave("one")
    await instances.leave("one")
    assert (one.addresses, left, other.addresses) == ((), ["a"], ("a",))
    asked.clear()
    async with asyncio.timeout(10):
        while len(asked) < 3:  # noqa: ASYNC110  the loop of the other one asks
            await asyncio.sleep(0)
    assert set(asked) == {"other"}
    again = await instances.watch("one")
    assert again is not one
    assert again.addresses == ("a",)
    await instances.close()
