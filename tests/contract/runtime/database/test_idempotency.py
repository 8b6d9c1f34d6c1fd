"""One effect per key, whoever asks, however often, and whatever crashes in between; on both databases."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from runtime.database import Connection, Database, DatabaseBusy, StatementRefused, UniqueViolation
from runtime.database.idempotency import (
    BATCH,
    KEPT_MS,
    SCHEMA,
    Answer,
    Claim,
    fingerprint,
    once,
    purge,
)
from runtime.database.migrate import statements
from runtime.http.problem import DEPENDENCY_UNAVAILABLE, IN_FLIGHT, INVALID, MISMATCH, Kind, Problem
from runtime.serving.deadline import Deadline, current

NOW = 1_800_000_000_000
OUT_OF_STOCK = Kind("out-of-stock", 409, "Out of stock", "There is not enough of it.")
REFUSALS = (OUT_OF_STOCK,)

PLACE = """
import asyncio, sys, time
from runtime.database import Database
from runtime.database.idempotency import Answer, Claim, fingerprint, once

async def place(connection):
    await connection.execute("INSERT INTO orders (id, label) SELECT count(*) + 1, $1 FROM orders", "tea")
    if sys.argv[2] == "hang":
        print("inside", flush=True)
        await asyncio.Event().wait()
    row = await connection.fetch_one("SELECT max(id) AS id FROM orders")
    return Answer(201, [], str(row["id"]).encode())

async def main():
    database = await Database.open(sys.argv[1])
    claim = Claim("ada", "POST", "/orders", "k", fingerprint(b"tea"))
    answers = [once(database, claim, place, now=lambda: 1_800_000_000_000) for _ in range(5)]
    print(*[answer.body.decode() for answer, _ in await asyncio.gather(*answers)])
    await database.close()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
async def schema(database: Database) -> None:
    await create_schema(database)


async def create_schema(database: Database) -> None:
    async with database.write() as connection:
        for statement in statements(SCHEMA + "CREATE TABLE orders (id BIGINT PRIMARY KEY, label TEXT NOT NULL)"):
            await connection.execute(statement)


def claim(key: str = "k", body: str = "tea", principal: str = "ada") -> Claim:
    return Claim(principal, "POST", "/orders", key, fingerprint(body.encode()))


def now() -> int:
    return NOW


def later() -> int:
    return NOW + KEPT_MS


async def place(connection: Connection, label: str = "tea") -> Answer:
    row = await connection.fetch_one("SELECT coalesce(max(id), 0) + 1 AS id FROM orders")
    assert row is not None
    await connection.execute("INSERT INTO orders (id, label) VALUES ($1, $2)", row["id"], label)
    return Answer(201, [("location", f"/orders/{row['id']}")], json.dumps({"id": row["id"]}).encode())


async def labels(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row["label"] for row in await connection.fetch("SELECT label FROM orders ORDER BY id")]


def placing_then(raised: BaseException) -> Callable[[Connection], Awaitable[Answer]]:
    async def effect(connection: Connection) -> Answer:
        await place(connection)
        raise raised

    return effect


def placing_while(release: asyncio.Event, inside: asyncio.Event) -> Callable[[Connection], Awaitable[Answer]]:
    async def effect(connection: Connection) -> Answer:
        answer = await place(connection)
        inside.set()
        await release.wait()
        return answer

    return effect


async def test_a_repeated_request_gets_the_first_answer_and_no_second_effect(database: Database) -> None:
    first = await once(database, claim(), place, now=now)
    again = await once(database, claim(), place, now=now)
    assert first == (Answer(201, [("location", "/orders/1")], b'{"id": 1}'), False)
    assert again == (first[0], True)
    assert await labels(database) == ["tea"]


@pytest.mark.parametrize(
    "other",
    [
        Claim("eve", "POST", "/orders", "k", "f"),
        Claim("ada", "PUT", "/orders", "k", "f"),
        Claim("ada", "POST", "/refunds", "k", "f"),
        Claim("ada", "POST", "/orders", "K", "f"),
    ],
)
async def test_a_key_belongs_to_one_principal_method_and_route(database: Database, other: Claim) -> None:
    await once(database, Claim("ada", "POST", "/orders", "k", "f"), place, now=now)
    answer, replayed = await once(database, other, place, now=now)
    assert (answer.body, replayed) == (b'{"id": 2}', False)


async def test_a_key_that_came_with_another_body_is_a_mismatch(database: Database) -> None:
    await once(database, claim(body="tea"), place, now=now)
    with pytest.raises(Problem) as problem:
        await once(database, claim(body="coffee"), place, now=now)
    assert problem.value.kind is MISMATCH
    assert await labels(database) == ["tea"]


async def test_twenty_at_once_are_one_effect_and_twenty_equal_answers(database: Database, database_url: str) -> None:
    other = await Database.open(database_url)
    asked = [once(store, claim(), place, now=now) for store in (database, other) for _ in range(10)]
    answers = await asyncio.gather(*asked)
    assert {answer.body for answer, _ in answers} == {b'{"id": 1}'}
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 19
    assert await labels(database) == ["tea"]
    await other.close()


async def test_processes_at_once_are_one_effect(database: Database, database_url: str) -> None:
    command = (sys.executable, "-c", PLACE, database_url, "place")
    processes = [await asyncio.create_subprocess_exec(*command, stdout=PIPE) for _ in range(4)]
    said = [(await process.communicate())[0].split() for process in processes]
    assert said == [[b"1"] * 5] * 4
    assert await labels(database) == ["tea"]


async def test_a_process_killed_inside_the_effect_leaves_nothing_and_the_retry_succeeds(
    database: Database, database_url: str
) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PLACE, database_url, "hang", stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"inside\n"
    process.kill()
    answer, replayed = await once(database, claim(), place, now=now)
    assert (answer.body, replayed) == (b'{"id": 1}', False)
    assert await labels(database) == ["tea"]
    await process.communicate()


async def test_a_replay_waits_for_the_first_that_is_still_running(database: Database) -> None:
    release, inside = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(once(database, claim(), placing_while(release, inside), now=now))
    await inside.wait()
    second = asyncio.create_task(once(database, claim(), place, now=now))
    release.set()
    assert await second == ((await first)[0], True)
    assert await labels(database) == ["tea"]


async def test_a_replay_whose_deadline_comes_first_is_in_flight(database: Database, database_url: str) -> None:
    other = await Database.open(database_url)
    release, inside = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(once(database, claim(), placing_while(release, inside), now=now))
    await inside.wait()
    for store in (database, other):
        token = current.set(Deadline.after(0.1))
        with pytest.raises(Problem) as problem:
            await once(store, claim(), place, now=now)
        current.reset(token)
        assert problem.value.kind is IN_FLIGHT
    release.set()
    await first
    assert await once(other, claim(), place, now=now) == ((await first)[0], True)
    await other.close()


async def test_the_wait_for_a_first_that_is_cancelled_ends_with_an_effect_of_its_own(database: Database) -> None:
    inside = asyncio.Event()
    first = asyncio.create_task(once(database, claim(), placing_while(asyncio.Event(), inside), now=now))
    await inside.wait()
    second = asyncio.create_task(once(database, claim(), place, now=now))
    first.cancel()
    assert (await second)[1] is False
    assert await labels(database) == ["tea"]
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("a bug"),
        Problem(DEPENDENCY_UNAVAILABLE),
        Problem(INVALID),
        Problem(Kind("broken", 500, "Broken", "Ours.")),
        DatabaseBusy(),
        asyncio.CancelledError(),
    ],
    ids=lambda failure: type(failure).__name__ + getattr(getattr(failure, "kind", None), "slug", ""),
)
async def test_what_is_no_refusal_of_this_route_leaves_no_trace_and_may_be_tried_again(
    database: Database, failure: BaseException
) -> None:
    refusals = [OUT_OF_STOCK, Kind("broken", 500, "Broken", "Ours.")]
    with pytest.raises(type(failure)) as raised:
        await once(database, claim(), placing_then(failure), now=now, refusals=refusals)
    assert raised.value is failure
    assert await once(database, claim(), place, now=now) == (
        Answer(201, [("location", "/orders/1")], b'{"id": 1}'),
        False,
    )


async def test_a_refusal_undoes_the_effect_and_is_replayed(database: Database) -> None:
    refusal = Problem(OUT_OF_STOCK, "No tea.", members={"skus": ["tea"]})
    with pytest.raises(Problem) as first:
        await once(database, claim(), placing_then(refusal), now=now, refusals=REFUSALS)
    with pytest.raises(Problem) as again:
        await once(database, claim(), place, now=now, refusals=REFUSALS)
    assert first.value.body("/orders", "1") == again.value.body("/orders", "1") == refusal.body("/orders", "1")
    assert (first.value.headers, again.value.headers) == ((), ((b"idempotency-replayed", b"true"),))
    assert await labels(database) == []


async def test_a_refusal_after_a_taken_value_is_recorded_as_well(database: Database) -> None:
    async def taken(connection: Connection) -> Answer:
        await place(connection)
        try:
            await connection.execute("INSERT INTO orders (id, label) VALUES ($1, $2)", 1, "again")
        except UniqueViolation as violation:
            raise Problem(OUT_OF_STOCK) from violation
        raise AssertionError

    for _ in range(2):
        with pytest.raises(Problem) as problem:
            await once(database, claim(), taken, now=now, refusals=REFUSALS)
        assert problem.value.kind == OUT_OF_STOCK
    assert problem.value.headers == ((b"idempotency-replayed", b"true"),)
    assert await labels(database) == []


async def test_an_answer_that_cannot_be_recorded_is_no_effect(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("ALTER TABLE idempotency_keys RENAME COLUMN outcome TO lost")
    with pytest.raises(StatementRefused):
        await once(database, claim(), place, now=now)
    assert await labels(database) == []


async def test_a_body_of_any_bytes_comes_back_byte_for_byte(database: Database) -> None:
    body = bytes(range(256))

    async def effect(_: Connection) -> Answer:
        return Answer(200, [], body)

    await once(database, claim(), effect, now=now)
    assert (await once(database, claim(), effect, now=now))[0].body == body


async def test_after_a_day_a_key_is_new(database: Database) -> None:
    await once(database, claim(body="tea"), place, now=now)
    assert (await once(database, claim(body="tea"), place, now=lambda: later() - 1))[1] is True
    answer, replayed = await once(database, claim(body="coffee"), place, now=later)
    assert (answer.body, replayed) == (b'{"id": 2}', False)
    assert (await once(database, claim(body="coffee"), place, now=later))[1] is True


async def test_twenty_at_once_after_a_day_are_one_new_effect(database: Database) -> None:
    await once(database, claim(), place, now=now)
    answers = await asyncio.gather(*(once(database, claim(), place, now=later) for _ in range(20)))
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 19
    assert await labels(database) == ["tea", "tea"]


async def test_purging_removes_the_old_in_batches_and_nothing_else(database: Database) -> None:
    async with database.write() as connection:
        sql = "INSERT INTO idempotency_keys (principal, method, route, key, fingerprint, created_at)"
        for number in range(BATCH + 1):
            await connection.execute(f"{sql} VALUES ('ada', 'POST', '/orders', $1, '', $2)", f"old {number}", NOW)
    await once(database, claim(), place, now=lambda: NOW + 1)
    assert await purge(database, NOW) == BATCH + 1
    assert await purge(database, NOW) == 0
    assert (await once(database, claim(), place, now=now))[1] is True


async def test_purging_spares_an_old_key_that_is_being_used_anew(database: Database, database_url: str) -> None:
    other = await Database.open(database_url)
    release, inside = asyncio.Event(), asyncio.Event()
    await once(database, claim(), place, now=now)
    using = asyncio.create_task(once(database, claim(), placing_while(release, inside), now=later))
    await inside.wait()
    purging = asyncio.create_task(purge(other, NOW))
    asyncio.get_running_loop().call_later(0.1, release.set)
    assert (await using)[1] is False
    assert await purging == 0
    assert (await once(database, claim(), place, now=later))[1] is True
    await other.close()


class Keys(RuleBasedStateMachine):
    """Requests that succeed, are refused or crash, alone and in pairs, while days pass and old keys are purged."""

    url: str
    world = count()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.principal = f"principal {next(self.world)}"  # so that examples share a database, and nothing in it
        self.time = NOW
        self.known: dict[str, tuple[str, str, int]] = {}  # by key: body, what came out, when
        self.effects: list[str] = []

    @initialize()
    def open(self) -> None:
        self.database = self.runner.run(Database.open(self.url, connections=3))

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()

    async def ask(self, key: str, body: str, behaviour: str) -> str:
        async def effect(connection: Connection) -> Answer:
            sql = "INSERT INTO orders (id, label) SELECT coalesce(max(id), 0) + 1, $1 FROM orders"
            await connection.execute(sql, f"{self.principal} {key}")
            if behaviour == "succeed":
                return Answer(201, [], b"made")
            raise {"refuse": Problem(OUT_OF_STOCK), "crash": RuntimeError(), "fail": Problem(DEPENDENCY_UNAVAILABLE)}[
                behaviour
            ]

        wanted = claim(key, body, self.principal)
        try:
            await once(self.database, wanted, effect, now=lambda: self.time, refusals=REFUSALS)
        except Problem as problem:
            return problem.kind.slug
        except RuntimeError:
            return "crash"
        return "made"

    def expect(self, key: str, body: str, behaviour: str) -> str:
        outcomes = {"succeed": "made", "refuse": "out-of-stock", "crash": "crash", "fail": "dependency-unavailable"}
        before = self.known.get(key)
        if before and before[2] > self.time - KEPT_MS:
            return before[1] if before[0] == body else "idempotency-mismatch"
        if behaviour in {"succeed", "refuse"}:
            self.known[key] = (body, outcomes[behaviour], self.time)
        if behaviour == "succeed":
            self.effects.append(f"{self.principal} {key}")
        return outcomes[behaviour]

    keys = st.sampled_from(["a", "b", "c"])
    bodies = st.sampled_from(["tea", "coffee"])
    behaviours = st.sampled_from(["succeed", "succeed", "refuse", "crash", "fail"])

    @rule(key=keys, body=bodies, behaviour=behaviours)
    def request(self, key: str, body: str, behaviour: str) -> None:
        assert self.runner.run(self.ask(key, body, behaviour)) == self.expect(key, body, behaviour)

    @rule(key=keys, body=bodies, behaviour=behaviours, times=st.integers(2, 5))
    def same_request_at_once(self, key: str, body: str, behaviour: str, times: int) -> None:
        async def together() -> list[str]:
            return await asyncio.gather(*(self.ask(key, body, behaviour) for _ in range(times)))

        assert set(self.runner.run(together())) == {self.expect(key, body, behaviour)}

    @rule(part=st.sampled_from([1, 2, 3]))
    def time_passes(self, part: int) -> None:
        self.time += KEPT_MS // part

    @rule()
    def old_keys_are_purged(self) -> None:
        self.runner.run(purge(self.database, self.time - KEPT_MS))

    @invariant()
    def every_key_has_the_effects_it_should(self) -> None:
        async def made() -> list[str]:
            return [label for label in await labels(self.database) if label.startswith(f"{self.principal} ")]

        assert self.runner.run(made()) == self.effects


def test_whatever_happens_a_key_has_one_effect(database_url: str) -> None:
    machine = type("KeysHere", (Keys,), {"url": database_url})
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    )
