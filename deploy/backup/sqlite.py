"""A function's SQLite file as a Store: copied by SQLite's online backup API, and read back row by row.

A copy is one state even while others write, and complete in one file. Of a file that is loaded rows are taken, into
tables that the checkout's own migrations make; then they replace those that functions use in one transaction, so a full
disk or a crash leaves these as they were. https://www.sqlite.org/backup.html, https://www.sqlite.org/security.html
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.engine import Refusal
from runtime.database.migrate import TABLE, Migration, statements

_PATIENCE = 10.0  # seconds: how long somebody else's write is waited for
_OBJECTS = "SELECT type, name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' ORDER BY name"


class Sqlite:
    """See deploy.backup.store.Store. `path` is the file that a function has as its database."""

    form = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, file: Path) -> None:
        with _opened(self._path) as source, _opened(file) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # nothing of it in a second file
            _require_sound(copy, file)

    def load(self, file: Path, migrations: Sequence[Migration]) -> None:
        with TemporaryDirectory(prefix=".restore-", dir=self._path.parent) as folder:
            made = Path(folder) / "made.db"
            made.touch(mode=0o600)
            with _opened(made) as fresh:
                _make(fresh, migrations)
                with _opened(file, "ro") as source:
                    source.execute("PRAGMA trusted_schema = OFF")
                    _require_sound(source, file)
                    _take(source, fresh, file)
                _require_same(fresh, migrations, file)
                with _opened(self._path) as target:
                    fresh.backup(target)

    def schema(self) -> int:
        with _opened(self._path) as database:
            version: int = database.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]
        return version

    def rows(self, query: str) -> list[tuple[str, ...]]:
        with _opened(self._path) as database:
            return [tuple(map(str, row)) for row in database.execute(query)]


def _make(fresh: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    for statement in (TABLE, *(each for migration in migrations for each in statements(migration.sql))):
        fresh.execute(statement)


def _take(source: sqlite3.Connection, fresh: sqlite3.Connection, file: Path) -> None:
    """Every row, and no trigger, view or anything else that could act by itself."""
    known = set(fresh.execute(_OBJECTS))
    for kind, name in source.execute(_OBJECTS).fetchall():
        if (kind, name) not in known:
            raise Refusal(f"{file} has a {kind} that no migration makes ({name!a}): use another backup.")
    for table in (name for kind, name in sorted(known) if kind == "table"):
        columns = [row[1] for row in fresh.execute(f'PRAGMA table_info("{table}")')]
        fresh.execute(f'DELETE FROM "{table}"')  # noqa: S608  of our own migrations
        listed, marks = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
        asked = ", ".join(f'saved."{column}"' for column in columns)  # without `saved.`, text where there is no such
        found = source.execute(f'SELECT {asked} FROM "{table}" AS saved')  # noqa: S608  of our own migrations
        fresh.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', found)  # noqa: S608  see above


def _require_same(fresh: sqlite3.Connection, migrations: Sequence[Migration], file: Path) -> None:
    """Its rows are what they say they are, and point to each other."""
    fresh.commit()
    applied = set(fresh.execute("SELECT version, checksum FROM schema_migrations"))
    if applied != {(migration.version, migration.checksum) for migration in migrations}:
        raise Refusal(f"{file} had other migrations than this checkout: use the checkout that made it.")
    if broken := fresh.execute("PRAGMA foreign_key_check").fetchone():
        raise Refusal(f"{file} is damaged (a row of {broken[0]} belongs to none of {broken[2]}): use another backup.")


def _require_sound(database: sqlite3.Connection, file: Path) -> None:
    found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Refusal(f"{file} is damaged ({found}): use another backup.")


@contextmanager
def _opened(file: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """A file that is there already; SQLite's errors in the block become Refusal."""
    place = f"{file.absolute().as_uri()}?mode={mode}"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE)) as database:
            yield database
    except sqlite3.Error as error:
        raise Refusal(
            f"SQLite refused {file} ({error}): see that it is sound, and that there is space on the disk."
        ) from error
