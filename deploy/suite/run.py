"""`just test`: pytest, on several workers, with what was typed.

In: the words. Out: this process becomes pytest, whose exit code it has then.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from deploy.suite.words import USAGE, arguments

ROOT = Path(__file__).resolve().parents[2]
PYTEST = (sys.executable, "-E", "-X", "utf8", "-m", "pytest", "-n", "auto")


def main(words: Sequence[str]) -> NoReturn:
    """Where the words are wrong it says how it is done."""
    told = arguments(words, ROOT)
    if told is None:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    os.chdir(ROOT)
    os.execv(PYTEST[0], [*PYTEST, *told])  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
