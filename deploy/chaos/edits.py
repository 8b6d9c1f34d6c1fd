"""What a developer does to a checkout between two `just up`: a function more, an edit, a typo that is mended, one less.

In: a copy of the checkout that runs, and how its stack is brought up. Each edit is followed by an `up`, and the last
leaves the copy as it was. Raises Refusal for one that did not do what it should.
"""

from collections.abc import Callable
from pathlib import Path

from deploy.engine import Refusal
from deploy.scaffold import create
from runtime.manifest import FILE

NEW = "visits"
_EDITED, _TYPO = "users", '\n[[route]]\nmatch = "GET /users"\ndedline = "5s"\n'


class Edits:
    """Of one copy; `up` is what `just up` does there, `status` what a GET of a path is answered."""

    def __init__(self, copy: Path, up: Callable[[], bool], status: Callable[[str], int]) -> None:
        self._copy = copy
        self._up = up
        self._status = status

    def add(self) -> None:
        """Of the new function everybody is led to one that answers, as soon as it is up."""
        create.new(self._copy, NEW, stateless=True)
        self._up()
        self._expect(200)

    def change(self) -> None:
        with self._file("app.py").open("a", encoding="utf-8") as file:
            file.write("\n# Another version.\n")
        self._up()

    def mistype(self) -> None:
        """And mends it, and takes the edit of before back."""
        manifest = self._file(FILE)
        before = manifest.read_text(encoding="utf-8")
        manifest.write_text(before + _TYPO, encoding="utf-8")
        try:
            self._up()
        except Refusal:
            manifest.write_text(before, encoding="utf-8")
        else:
            raise Refusal("A manifest with a typo was taken in.")
        app = self._file("app.py")
        app.write_text(app.read_text(encoding="utf-8").removesuffix("\n# Another version.\n"), encoding="utf-8")
        self._up()

    def remove(self) -> None:
        create.remove(self._copy, NEW)
        self._up()
        self._expect(404)

    def _file(self, name: str) -> Path:
        return self._copy / "functions" / _EDITED / name

    def _expect(self, status: int) -> None:
        if (got := self._status(f"/{NEW}/a")) != status:
            raise Refusal(f"GET /{NEW}/a was answered {got or 'not at all'}, and should be {status}.")
