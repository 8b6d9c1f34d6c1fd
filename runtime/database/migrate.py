"""Brings a database forward: `python -m runtime.database.migrate functions/users` applies its schema/ files in order.

Each NNNN_name.sql is one transaction together with its row in schema_migrations, so a bad file leaves nothing behind,
and a second one at work waits and finds it done. It never goes back, and lets a database be newer than the files are:
old code runs on a newer schema (expand, deploy, contract). A function opens its database by `opened`, which refuses one
that lacks what the function's files make.
"""

import asyncio
import os
import re
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from runtime.database import Connection, Database, DatabaseBusy, DatabaseUnavailable, StatementRefused, UniqueViolation
from runtime.settings import Secret, load
from runtime.telemetry import log

DEVELOPING = "DEVELOPING"  # set in the environment by the developer's loop
PATIENCE = 600.0  # seconds: an index on a large table takes its time

TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)
"""
# A second one at work waits here for the first; it then inserts nothing.
CLAIM = """
INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""

logger = log.get(__name__)


class MigrationError(Exception):
    """What is wrong, naming the file."""


class Unmigrated(SystemExit):
    """What a database lacks, in one sentence; ends a process that does not catch it."""


class Migration(msgspec.Struct, frozen=True):
    """One file. `version` is the number that its name starts with; `checksum` is SHA-256 in hex."""

    version: int
    name: str
    sql: str
    checksum: str


class Settings(msgspec.Struct):
    """DATABASE_URL, or the file that DATABASE_URL_FILE names: the owner of the schema, where roles are kept apart."""

    database_url: Secret


async def opened(database_url: str, folder: Path) -> Database:
    """The database of the function in `folder`, with everything that `folder`/schema makes, and maybe more.

    Raises Unmigrated, DatabaseBusy and DatabaseUnavailable. In the developer's loop, where a file is saved before it is
    done, what is lacking is only said.
    """
    database = await Database.open(database_url)
    try:
        await _require(database, folder)
    except BaseException:
        await database.close()
        raise
    return database


async def _require(database: Database, folder: Path) -> None:
    applied, why = await _versions(database)
    lacking = [migration.name for migration in read(folder / "schema") if migration.version not in applied]
    if lacking:
        names = lacking[0] if len(lacking) == 1 else f"{lacking[0]} and {len(lacking) - 1} more"
        todo = f"bring it up to date with `runtime.database.migrate functions/{folder.name}`"
        _refuse(f"The schema of the database lacks {names}{why}: {todo}.")


def _refuse(sentence: str) -> None:
    if not os.environ.get(DEVELOPING):
        raise Unmigrated(sentence)
    logger.warning("the schema is behind", why=sentence)


async def _versions(database: Database) -> tuple[set[int], str]:
    """What was applied; none, and why, where that can't be read."""
    try:
        async with database.read() as connection:
            return {row["version"] for row in await connection.fetch("SELECT version FROM schema_migrations")}, ""
    except StatementRefused as error:
        return set(), f" ({error})"


async def migrate(database_url: str, folder: Path) -> list[str]:
    """Applies what `folder`/schema holds and the database has not; returns the names of the files it applied.

    Raises MigrationError (before anything is applied, if an applied file has changed), DatabaseBusy and
    DatabaseUnavailable.
    """
    migrations = read(folder / "schema")
    database = await Database.open(database_url, connections=1, patience=PATIENCE)
    try:
        await _prepare(database)
        async with database.read() as connection:
            applied = await connection.fetch("SELECT version, name, checksum FROM schema_migrations")
        pending = _pending(migrations, {row["version"]: row["checksum"] for row in applied})
        return [migration.name for migration in pending if await _apply(database, migration)]
    finally:
        await database.close()


def read(schema: Path) -> list[Migration]:
    """The files of a schema folder by version. Raises MigrationError for a wrong name, or a number used twice."""
    migrations: dict[int, Migration] = {}
    for path in sorted(schema.glob("*.sql")):
        if not re.fullmatch(r"\d{4}_\w+\.sql", path.name):
            raise MigrationError(f"{path}: a migration is named like 0001_accounts.sql")
        version, text = int(path.name[:4]), path.read_text(encoding="utf-8")
        if version in migrations:
            raise MigrationError(f"{path}: {migrations[version].name} has the same number")
        migrations[version] = Migration(version, path.name, text, sha256(text.encode()).hexdigest())
    if not migrations:
        raise MigrationError(f"{schema}: no migrations here")
    return list(migrations.values())


def statements(sql: str) -> list[str]:
    """The statements of a script one by one; a semicolon inside a string, a comment or a trigger ends none."""
    *ended, rest = sql.split(";")
    found = [""]
    for part in ended:
        found[-1] += part + ";"
        if sqlite3.complete_statement(found[-1]):
            found.append("")
    found[-1] += rest
    return [statement for statement in found if not _is_empty(statement)]


def _is_empty(statement: str) -> bool:
    """Blanks and comments only, which PostgreSQL's driver does not take for a statement."""
    return not re.sub(r"--[^\n]*|/\*.*?\*/", "", statement, flags=re.DOTALL).strip("; \t\n")


async def _prepare(database: Database) -> None:
    # Two that make it at once meet in PostgreSQL's catalogue: the one that loses finds it when it asks again.
    with suppress(UniqueViolation, StatementRefused):
        return await _create(database)
    try:
        await _create(database)
    except StatementRefused as error:
        raise MigrationError(f"schema_migrations: {error}") from error


async def _create(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(TABLE)


def _pending(migrations: Sequence[Migration], applied: dict[int, str]) -> list[Migration]:
    for migration in migrations:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise MigrationError(f"{migration.name} has changed since it was applied; write a new file instead")
    pending = [migration for migration in migrations if migration.version not in applied]
    if pending and applied and pending[0].version < max(applied):
        raise MigrationError(f"{pending[0].name} comes before what is applied already; give it the next number")
    return pending


async def _apply(database: Database, migration: Migration) -> bool:
    """Whether it was applied here; False when another was faster."""
    try:
        async with database.write() as connection:
            claimed = await _claim(connection, migration)
            for statement in statements(migration.sql) if claimed else ():
                await connection.execute(statement)
            return claimed
    except (StatementRefused, UniqueViolation) as error:
        raise MigrationError(f"{migration.name}: {error}") from error


async def _claim(connection: Connection, migration: Migration) -> bool:
    now = time.time_ns() // 1_000_000
    row = (migration.version, migration.name, migration.checksum, now)
    return await connection.execute(CLAIM, *row) == 1


def main(arguments: Sequence[str]) -> None:
    """The command: one line for each file that it applied, or what is wrong and status 1."""
    if len(arguments) != 1:
        sys.exit("usage: python -m runtime.database.migrate FUNCTION_FOLDER")
    url = load(Settings, os.environ).database_url
    try:
        applied = asyncio.run(migrate(str(url), Path(arguments[0])))
    except (MigrationError, ValueError) as error:
        sys.exit(str(error))
    except (DatabaseBusy, DatabaseUnavailable) as error:
        sys.exit(f"{error.detail} {error.__cause__}")
    sys.stdout.writelines(f"{name}\n" for name in applied)


if __name__ == "__main__":
    main(sys.argv[1:])
