"""Words: what may be typed after `just test`, and what pytest is told of it.

In: the words. Out: pytest's arguments, or none where that is not how tests are asked for. It imports nothing
that has to be installed: a mistake is told before anything is.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

TESTS = "tests"
USAGE = (
    "usage: just test [unit | contract | e2e | FILE | FOLDER …] [pytest's options: -k WORDS, -x, -n 0, …]\n"
    "ENGINE=local or ENGINE=docker leaves out what would run on the other one."
)
_WITH_VALUE = {"-c", "-k", "-m", "-n", "-o", "-p", "-r", "-W"}  # what comes behind one of these is its value


def arguments(words: Sequence[str], root: Path) -> list[str] | None:
    """For pytest in the checkout `root`; every test where no place is named. None: that is no way to ask for tests."""
    told = [*_told(words, root)]
    if None in told:
        return None
    found = [word for word in told if word is not None]
    return found if any(map(_is_place, found)) else [*found, TESTS]


def _told(words: Sequence[str], root: Path) -> Iterator[str | None]:
    before = ""
    for word in words:
        if word.startswith("-") or before in _WITH_VALUE:
            yield word
        elif place := _place(word, root):
            yield place
        else:
            yield word if before.startswith("--") else None  # a long option's value, or nothing that is known
        before = "" if before in _WITH_VALUE else word


def _place(word: str, root: Path) -> str:
    """A file or folder of tests, and perhaps a test in it ("::…"), from the checkout on; "" for what is none."""
    file, colons, test = word.removeprefix(f"{TESTS}/").partition("::")
    inside = file and not Path(file).is_absolute() and ".." not in Path(file).parts
    there = inside and (root / TESTS / file).exists()
    return f"{TESTS}/{file}{colons}{test}" if there else ""


def _is_place(word: str) -> bool:
    return word.startswith(f"{TESTS}/")


if __name__ == "__main__" and arguments(sys.argv[1:], Path.cwd()) is None:
    print(USAGE, file=sys.stderr)
    sys.exit(2)
