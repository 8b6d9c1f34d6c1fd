"""The databases of a stack of plain processes: SQLite files, or PostgreSQL where a URL says so.

In: a layout. Out: what backups read, and schemas that are up to date. A function without a schema has no database.
"""

from typing import TYPE_CHECKING

from deploy.engine import Refusal, Say
from deploy.local import once, packages
from deploy.local.layout import Layout

if TYPE_CHECKING:
    from deploy.backup.store import Store


class Databases:
    """Those of one layout; `say` is told what is being done to them."""

    def __init__(self, layout: Layout, say: Say) -> None:
        self._layout = layout
        self._say = say

    def stores(self) -> "dict[str, Store]":
        """By function. Raises Refusal where a program is missing that reads one."""
        return {function: self._store(function) for function in self.functions()}

    def functions(self) -> list[str]:
        """Those that have a database: one that `up` has not taken in yet has none so far."""
        found = (name for name in self._layout.functions if self.has_data(name))
        return [name for name in found if self._layout.database_url(name).exists()]

    def migrate(self, function: str) -> None:
        """Brings its schema up to date, if it has one. Raises Refusal with the cause."""
        if not self.has_data(function):
            return
        self._say(f"Bringing the schema of {function} up to date")
        result = once.run(self._layout, function, "runtime.database.migrate", f"functions/{function}", quiet=True)
        if result.returncode:
            said = (result.stderr or result.stdout).strip().splitlines()
            why = said[-1] if said else "it did not say why"
            raise Refusal(
                f"The schema of {function} can't be brought up to date ({why}): correct that, then `just up`."
            )

    def has_data(self, function: str) -> bool:
        return (self._layout.folder(function) / "schema").is_dir()

    def _store(self, function: str) -> "Store":
        from deploy.backup.postgres import Postgres  # noqa: PLC0415  who only looks needs none
        from deploy.backup.sqlite import Sqlite  # noqa: PLC0415  see above

        url = self._layout.database_url(function).read_text(encoding="utf-8")
        scheme, _, file = url.partition(":///")
        if scheme == "sqlite":
            return Sqlite(self._layout.root / file)
        packages.require("psql")
        return Postgres(url)
