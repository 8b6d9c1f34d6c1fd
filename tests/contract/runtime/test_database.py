"""What a function may rely on, whichever database it has."""

import asyncio
import sys

import pytest

from runtime.database import Connection, Database, DatabaseBusy, DatabaseUnavailable, StatementRefused, UniqueViolation
from runtime.serving.deadline import Deadline, current

ENDLESS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT count(*) AS i FROM n
"""


@pytest.fixture(autouse=True)
async def users(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT PRIMARY KEY, name TEXT NOT NULL, UNIQUE (name, id))")
        await connection.execute("CREATE UNIQUE INDEX users_name ON users (name)")


async def add(connection: Connection, number: int, name: str) -> int:
    return await connection.execute("INSERT INTO users (id, name) VALUES ($1, $2)", number, name)


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row["name"] for row in await connection.fetch("SELECT name FROM users ORDER BY id")]


async def test_rows_are_read_by_name(database: Database) -> None:
    async with database.write() as connection:
        assert await add(connection, 1, "Ada") == 1
        row = await connection.fetch_one("SELECT id, name FROM users WHERE id = $1", 1)
    assert row is not None
    assert (row["id"], row["name"], dict(row)) == (1, "Ada", {"id": 1, "name": "Ada"})


async def test_no_row_is_none(database: Database) -> None:
    async with database.read() as connection:
        assert await connection.fetch_one("SELECT id FROM users WHERE id = $1", 7) is None


async def test_placeholders_are_positions_whatever_their_order_and_however_often_they_stand(database: Database) -> None:
    values = [f"v{number}" for number in range(1, 12)]
    places = ", ".join(f"CAST(${number} AS TEXT) AS v{number}" for number in range(11, 0, -1))
    async with database.read() as connection:
        row = await connection.fetch_one(f"SELECT {places}, CAST($2 AS TEXT) AS again", *values)
    assert row is not None
    assert dict(row) == {**{value: value for value in values}, "again": "v2"}


async def test_returning_gives_the_row_that_was_written(database: Database) -> None:
    async with database.write() as connection:
        row = await connection.fetch_one("INSERT INTO users (id, name) VALUES ($1, $2) RETURNING id, name", 1, "Ada")
    assert row is not None
    assert row["name"] == "Ada"
    assert await names(database) == ["Ada"]


async def test_execute_counts_the_rows_it_changed(database: Database) -> None:
    async with database.write() as connection:
        for number in range(3):
            await add(connection, number, f"user {number}")
        assert await connection.execute("UPDATE users SET name = name || $1 WHERE id > $2", "!", 0) == 2
        assert await connection.execute("INSERT INTO users (id, name) VALUES (0, $1) ON CONFLICT DO NOTHING", "x") == 0
        assert await connection.execute("DELETE FROM users") == 3


async def test_an_exception_rolls_back(database: Database) -> None:
    async def write() -> None:
        async with database.write() as connection:
            await add(connection, 1, "Ada")
            raise KeyError

    with pytest.raises(KeyError):
        await write()
    assert await names(database) == []


async def test_errors_of_the_caller_stay_as_they_are(database: Database) -> None:
    with pytest.raises(TimeoutError):
        async with database.write():
            raise TimeoutError


async def test_cancellation_rolls_back(database: Database) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await add(connection, 1, "Ada")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == []


async def test_cancellation_while_a_statement_runs_ends_the_statement_and_frees_the_connection(
    database: Database,
) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await add(connection, 1, "Ada")
            inside.set()
            await connection.fetch(ENDLESS)

    task = asyncio.create_task(write())
    await inside.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await add(connection, 2, "Grace")
    assert await names(database) == ["Grace"]


async def test_a_task_cancelled_twice_gives_its_connection_back(database_url: str) -> None:
    database = await Database.open(database_url, connections=1)
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await add(connection, 1, "Ada")
    await database.close()


async def test_the_deadline_ends_a_statement_and_the_connection_serves_again(database: Database) -> None:
    token = current.set(Deadline.after(0.1))
    with pytest.raises(DatabaseBusy):
        async with database.read() as connection:
            await connection.fetch(ENDLESS)
    current.reset(token)
    assert await names(database) == []


async def test_patience_ends_a_statement_of_a_caller_without_a_deadline(database_url: str) -> None:
    database = await Database.open(database_url, patience=0.5)
    with pytest.raises(DatabaseBusy):
        async with database.write() as connection:
            await connection.fetch(ENDLESS)
    await database.close()


async def test_the_deadline_ends_the_wait_for_a_connection(database_url: str) -> None:
    database = await Database.open(database_url, connections=1)
    async with database.read():
        token = current.set(Deadline.after(0.05))
        with pytest.raises(DatabaseBusy):
            await database.ping()
        current.reset(token)
    await database.ping()
    await database.close()


async def test_a_deadline_that_has_passed_is_busy_at_once(database: Database) -> None:
    token = current.set(Deadline.after(0))
    with pytest.raises(DatabaseBusy):
        await database.ping()
    current.reset(token)
    await database.ping()


async def test_the_deadline_ends_the_wait_for_another_writer(database: Database, database_url: str) -> None:
    other = await Database.open(database_url)
    async with database.write() as first:
        await add(first, 1, "Ada")
        token = current.set(Deadline.after(0.1))
        with pytest.raises(DatabaseBusy):
            async with other.write() as second:
                await add(second, 1, "Grace")
        current.reset(token)
    assert await names(other) == ["Ada"]
    await other.close()


async def test_a_writer_waits_for_another_one_and_builds_on_what_it_wrote(
    database: Database, database_url: str
) -> None:
    other = await Database.open(database_url)
    inside, release = asyncio.Event(), asyncio.Event()
    async with database.write() as connection:
        await add(connection, 1, "Ada")

    async def append(store: Database, text: str) -> None:
        async with store.write() as connection:
            await connection.execute("UPDATE users SET name = name || $1", text)
            inside.set()
            await release.wait()

    first = asyncio.create_task(append(database, " Byron"))
    await inside.wait()
    second = asyncio.create_task(append(other, " Lovelace"))
    release.set()
    await asyncio.gather(first, second)
    assert await names(database) == ["Ada Byron Lovelace"]
    await other.close()


async def test_a_taken_value_names_its_columns(database: Database) -> None:
    async with database.write() as connection:
        await add(connection, 1, "Ada")
    with pytest.raises(UniqueViolation) as by_name:
        async with database.write() as connection:
            await add(connection, 2, "Ada")
    with pytest.raises(UniqueViolation) as by_key:
        async with database.write() as connection:
            await add(connection, 1, "Grace")
    assert (by_name.value.columns, by_key.value.columns) == (("name",), ("id",))
    assert await names(database) == ["Ada"]


async def test_a_taken_pair_names_both_columns(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("CREATE TABLE pairs (a TEXT, b TEXT, UNIQUE (a, b))")
        await connection.execute("INSERT INTO pairs (a, b) VALUES ($1, $2)", "x", "y, z)=(")
    with pytest.raises(UniqueViolation) as taken:
        async with database.write() as connection:
            await connection.execute("INSERT INTO pairs (a, b) VALUES ($1, $2)", "x", "y, z)=(")
    assert taken.value.columns == ("a", "b")
    assert "y, z" not in str(taken.value)


@pytest.mark.parametrize("sql", ["SELECT nonsense", "INSERT INTO users (id) VALUES (1)", "SELEC 1"])
async def test_a_statement_that_cannot_be_is_refused_and_nothing_is_written(database: Database, sql: str) -> None:
    async def write() -> None:
        async with database.write() as connection:
            await add(connection, 1, "Ada")
            await connection.execute(sql)

    with pytest.raises(StatementRefused):
        await write()
    assert await names(database) == []


@pytest.mark.parametrize(
    "value", [2**63, "\ud800", object()], ids=["65 bits", "half a surrogate pair", "no value at all"]
)
async def test_a_value_that_does_not_fit_is_refused(database: Database, value: object) -> None:
    with pytest.raises(StatementRefused):
        async with database.write() as connection:
            await connection.execute("UPDATE users SET id = $1 WHERE name = $2", value, value)


async def test_a_process_that_ends_without_closing_its_database_ends(database_url: str) -> None:
    program = "import asyncio, sys; from runtime.database import Database; asyncio.run(Database.open(sys.argv[1]))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", "-c", program, database_url)
    assert await process.wait() == 0


async def test_a_transaction_that_the_deadline_broke_cannot_go_on_and_writes_nothing(database: Database) -> None:
    async def carry_on() -> None:
        async with database.write() as connection:
            await add(connection, 1, "Ada")
            token = current.set(Deadline.after(0.05))
            with pytest.raises(DatabaseBusy):
                await connection.fetch(ENDLESS)
            current.reset(token)
            with pytest.raises(StatementRefused):
                await add(connection, 2, "Grace")

    with pytest.raises(StatementRefused):
        await carry_on()
    assert await names(database) == []


async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("CREATE TABLE notes (user_id BIGINT NOT NULL REFERENCES users (id))")
    with pytest.raises(StatementRefused):
        async with database.write() as connection:
            await connection.execute("INSERT INTO notes (user_id) VALUES ($1)", 7)


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(StatementRefused):
        async with database.read() as connection:
            await add(connection, 1, "Ada")
    assert await names(database) == []


async def test_a_read_sees_one_snapshot_while_others_write(database: Database) -> None:
    async with database.read() as reader:
        before = await reader.fetch("SELECT id FROM users")
        async with database.write() as writer:
            await add(writer, 1, "Ada")
        assert await reader.fetch("SELECT id FROM users") == before == []
    assert await names(database) == ["Ada"]


async def test_a_single_statement_is_read_and_no_more_than_one(database: Database) -> None:
    async with database.write() as writer:
        await add(writer, 1, "Ada")
    async with database.single() as connection:
        assert len(await connection.fetch("SELECT id FROM users")) == 1
        with pytest.raises(RuntimeError, match="one statement"):
            await connection.fetch("SELECT id FROM users")
    assert database.load.open == 0


async def test_a_single_statement_cannot_write(database: Database) -> None:
    for write in ("INSERT INTO users (id, name) VALUES ($1, $2)", "INSERT INTO users VALUES ($1, $2) RETURNING id"):
        with pytest.raises(StatementRefused):
            async with database.single() as connection:
                await connection.fetch(write, 1, "Ada")
    assert await names(database) == []


@pytest.mark.parametrize("ended", ["deadline", "cancelled", "refused", "raised"])
async def test_a_single_statement_that_does_not_end_well_leaves_a_connection_that_serves(
    database_url: str, ended: str
) -> None:
    database = await Database.open(database_url, connections=1)
    inside = asyncio.Event()

    async def ask() -> None:
        token = current.set(Deadline.after(0.1 if ended == "deadline" else 60))
        async with database.single() as connection:
            inside.set()
            await connection.fetch({"refused": "SELEC 1", "raised": "SELECT 1"}.get(ended, ENDLESS))
            current.reset(token)
            raise KeyError

    task = asyncio.create_task(ask())
    await inside.wait()
    await asyncio.sleep(0)
    if ended == "cancelled":
        task.cancel()
    failures = {"deadline": DatabaseBusy, "refused": StatementRefused, "raised": KeyError}
    with pytest.raises(failures.get(ended, asyncio.CancelledError)):
        await task
    async with database.single() as connection:
        (row,) = await connection.fetch("SELECT 7 AS seven")
    assert (row["seven"], database.load.open) == (7, 0)
    await database.close()


@pytest.mark.parametrize("kind", ["read", "single", "write"])
async def test_what_a_block_was_given_is_of_no_use_after_it(database: Database, kind: str) -> None:
    async with getattr(database, kind)() as connection:
        pass
    async with database.write(), database.read():  # whose connections it might have had
        with pytest.raises(StatementRefused):
            await connection.fetch("SELECT id FROM users")


async def test_who_reads_does_not_wait_for_a_writer_or_for_its_commit(database: Database) -> None:
    read = 0

    async def write() -> None:
        for number in range(20):
            async with database.write() as connection:
                await add(connection, number, f"user {number}")

    writing = asyncio.create_task(write())
    while not writing.done():
        found = await names(database)
        assert found == [f"user {number}" for number in range(len(found))]
        read += 1
    await writing
    assert (len(await names(database)), read > 0) == (20, True)
    async with database.write() as connection:
        await add(connection, 20, "one more")
        assert len(await names(database)) == 20


async def test_a_closed_database_serves_nobody(database_url: str) -> None:
    database = await Database.open(database_url, patience=0.2)
    await database.close()
    for kind in (database.read, database.single, database.write):
        with pytest.raises((DatabaseBusy, DatabaseUnavailable)):
            async with kind() as connection:
                await connection.fetch("SELECT 1")


async def test_a_savepoint_undoes_a_part(database: Database) -> None:
    async with database.write() as connection:
        await add(connection, 1, "Ada")
        await connection.execute("SAVEPOINT part")
        await add(connection, 2, "Grace")
        await connection.execute("ROLLBACK TO SAVEPOINT part")
    assert await names(database) == ["Ada"]


async def test_conditional_writes_never_oversell(database: Database, database_url: str) -> None:
    other = await Database.open(database_url)
    async with database.write() as connection:
        await connection.execute("CREATE TABLE products (sku TEXT PRIMARY KEY, stock BIGINT NOT NULL)")
        await connection.execute("INSERT INTO products (sku, stock) VALUES ($1, $2)", "tea", 7)

    async def take(store: Database) -> int:
        async with store.write() as connection:
            sql = "UPDATE products SET stock = stock - $1 WHERE sku = $2 AND stock >= $1"
            return await connection.execute(sql, 1, "tea")

    taken = await asyncio.gather(*(take(store) for store in (database, other) for _ in range(10)))
    assert sum(taken) == 7
    await other.close()


async def test_closing_waits_for_an_open_transaction(database_url: str) -> None:
    database = await Database.open(database_url)
    async with database.write() as connection:
        closing = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        await add(connection, 1, "Ada")
    await closing
    reopened = await Database.open(database_url)
    assert await names(reopened) == ["Ada"]
    await reopened.close()


async def test_closing_ends_a_transaction_that_does_not_end_by_itself(database_url: str) -> None:
    database = await Database.open(database_url, patience=1)
    inside, release = asyncio.Event(), asyncio.Event()

    async def linger() -> None:
        async with database.write() as connection:
            await add(connection, 1, "Ada")
            inside.set()
            await release.wait()

    lingering = asyncio.create_task(linger())
    await inside.wait()
    await database.close()
    release.set()
    with pytest.raises((StatementRefused, DatabaseUnavailable)):
        await lingering
    reopened = await Database.open(database_url)
    assert await names(reopened) == []
    await reopened.close()


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "sqlite:///", "portico.db"])
async def test_another_kind_of_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="starts with"):
        await Database.open(url)


def test_busy_and_unavailable_are_answers_that_tell_when_to_come_back() -> None:
    for problem, seconds in ((DatabaseBusy(), 1), (DatabaseUnavailable(), 5)):
        assert (problem.kind.status, problem.retry_after) == (503, seconds)
