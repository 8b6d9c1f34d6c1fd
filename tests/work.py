"""How much SQLite does for a statement, in steps of its machine: the same number on every computer, unlike a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.database import Database
from runtime.database.sqlite import Sqlite

EACH = 10  # steps between two looks


class Steps:
    """`taken` in the block so far."""

    def __init__(self) -> None:
        self.taken = 0

    def look(self) -> bool:
        self.taken += EACH
        return False


@contextmanager
def steps(database: Database) -> Iterator[Steps]:
    """Counts what is done in the block, by whichever connection. PostgreSQL has no such counter."""
    assert isinstance(database, Sqlite)
    counted = Steps()
    for handle in (*database.readers.free, *database.writers.free):
        handle.raw.set_progress_handler(counted.look, EACH)
    yield counted
