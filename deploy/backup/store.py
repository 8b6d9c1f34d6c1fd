"""What is needed of a function's database, whichever kind it is: saved as a file, loaded from one, and looked into.

An engine names its stores; archive.py saves and loads them all, chaos/books.py reads. A file brings rows and nothing
else: whoever may have written in it since, what a database does with rows is said by the checkout's own migrations.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from runtime.database.migrate import Migration


class Store(Protocol):
    """One function's database. Every method raises Refusal with the database's own words.

    `form` is the suffix of its files; what was saved in one form can be loaded in that form only.
    """

    @property
    def form(self) -> str: ...

    def save(self, file: Path) -> None:
        """Writes one consistent state into `file`, which is there and empty, while the function goes on."""

    def load(self, file: Path, migrations: Sequence[Migration]) -> None:
        """Replaces all that is there by tables that `migrations` make, with the rows of `file`: wholly, or not at all.

        Also refuses a file that is damaged, or says that it had other migrations.
        """

    def schema(self) -> int:
        """The number of the last migration that was applied."""

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """What a SELECT finds, each value as text; in `query` is no value that somebody else chose."""
