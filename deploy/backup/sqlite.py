"""A function's SQLite file as a Store: copied by SQLite's online backup API, back and forth.

The copy is one state even while others write, and complete in one file. Loading is one transaction of the file that
functions use, so a full disk or a crash leaves it as it was. https://www.sqlite.org/backup.html
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from deploy.engine import Refusal

_PATIENCE = 10.0  # seconds: how long somebody else's write is waited for


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

    def load(self, file: Path) -> None:
        with _opened(file) as source, _opened(self._path) as target:
            _require_sound(source, file)
            source.backup(target)

    def schema(self) -> int:
        with _opened(self._path) as database:
            version: int = database.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]
        return version

    def rows(self, query: str) -> list[tuple[str, ...]]:
        with _opened(self._path) as database:
            return [tuple(map(str, row)) for row in database.execute(query)]


def _require_sound(database: sqlite3.Connection, file: Path) -> None:
    found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Refusal(f"{file} is damaged ({found}): use another backup.")


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A file that is there already; SQLite's errors in the block become Refusal."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as database:
            yield database
    except sqlite3.Error as error:
        raise Refusal(
            f"SQLite refused {file} ({error}): see that it is sound, and that there is space on the disk."
        ) from error
