"""functions/users/throttle/store.py: attempts are counted together, on both databases."""

import asyncio

from functions.users.throttle import store
from functions.users.throttle.decision import ELSEWHERE, HERE, KNOWN
from runtime.database import Database

NOW = 1_700_000_000_000


async def take(database: Database, network: str = "192.0.2.1", account: str = "ann", now: int = NOW) -> int:
    async with database.write() as connection:
        return await store.take(connection, account, network, now)


async def right(database: Database, network: str, now: int = NOW) -> None:
    async with database.write() as connection:
        await store.give_back(connection, "ann", network, now)


async def rows(database: Database) -> int:
    async with database.read() as connection:
        return len(await connection.fetch("SELECT account, network FROM login_attempts"))


async def test_of_many_who_try_at_once_no_more_are_heard_than_may_be(database: Database) -> None:
    waits = await asyncio.gather(*(take(database) for _ in range(HERE.most + 10)))
    assert waits.count(0) == HERE.most
    assert max(waits) == HERE.every


async def test_of_many_from_many_places_no_more_are_heard_than_may_be(database: Database) -> None:
    places = [f"192.0.2.{number}" for number in range(ELSEWHERE.most // 5 + 4)]
    waits = await asyncio.gather(*(take(database, place) for place in places for _ in range(6)))
    heard = waits.count(0)
    assert ELSEWHERE.most <= heard <= ELSEWHERE.most + len(places)


async def test_one_account_and_one_network_say_nothing_of_another(database: Database) -> None:
    for _ in range(HERE.most):
        assert await take(database) == 0
    assert await take(database) > 0
    assert await take(database, "192.0.2.2") == 0
    assert await take(database, account="bob") == 0


async def test_the_right_password_gives_everything_back_and_makes_the_network_known(database: Database) -> None:
    for _ in range(HERE.most):
        await take(database)
    await right(database, "192.0.2.1")
    for number in range(ELSEWHERE.most):  # somebody guesses, from everywhere
        await take(database, f"198.51.100.{number}")
    assert await take(database, "198.51.100.1") > 0
    assert [await take(database) for _ in range(HERE.most)] == [0] * HERE.most
    much_later = NOW + KNOWN + 1
    assert await take(database, now=much_later) == 0


async def test_what_says_nothing_any_more_is_purged_and_nothing_else(database: Database) -> None:
    await take(database, "192.0.2.1")
    await take(database, "192.0.2.2")
    await right(database, "192.0.2.2")

    async def purged(now: int, limit: int = 10) -> int:
        async with database.write() as connection:
            return await store.purge(connection, now, limit)

    assert await purged(NOW) == 0
    later = NOW + 2 * HERE.every + 1
    assert [await purged(later, limit=1) for _ in range(3)] == [1, 1, 0]  # one network, and elsewhere
    assert await rows(database) == 1
    assert await purged(NOW + KNOWN + 1) == 1


async def test_who_leaves_is_forgotten(database: Database) -> None:
    await take(database)
    await take(database, account="bob")
    async with database.write() as connection:
        await store.forget(connection, "ann")
    assert await rows(database) == 2
