"""`just check`: style, types, tests of units, and the contract tests that a change calls for, side by side.

In: the checkout and what changed in it. Out: what each says, one after the other, and the exit code of the first that
found something. What it leaves out it counts.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grimp

from deploy.suite.run import PYTEST
from deploy.suite.touched import CODE, Called, called, changed

ROOT = Path(__file__).resolve().parents[2]
MODULE = ("-m",)
LINT = (("ruff", "check", "--quiet"), ("ruff", "format", "--check", "--quiet"), ("mypy", "--no-error-summary"))
MOST = 6  # files of contract tests: what calls for more wants `just test contract` anyway


def main(root: Path = ROOT) -> int:
    """0 when nothing was found."""
    began = time.monotonic()
    with ThreadPoolExecutor() as threads:
        linted = threads.submit(lint, root)
        tests = run_tests(root)
        said, failed = linted.result()
    if said:
        print(said)
    print(f"Style and types: {'see above' if failed else 'in order'}. All of it took {time.monotonic() - began:.0f} s.")
    return tests or failed


def lint(root: Path) -> tuple[str, int]:
    """What they said, and the exit code of the first that found something."""
    done = [
        subprocess.run([sys.executable, *MODULE, *words], cwd=root, capture_output=True, text=True, check=False)
        for words in LINT
    ]
    return "".join(each.stdout + each.stderr for each in done), next(
        filter(None, (each.returncode for each in done)), 0
    )


def run_tests(root: Path) -> int:
    """Its exit code; it speaks for itself."""
    graph = grimp.build_graph(*CODE, "tests", cache_dir=None)
    found = called(root, changed(root), graph)
    files = found.files[:MOST]
    told(found, len(files))
    return subprocess.run([*PYTEST, "-q", "tests/unit", *files], cwd=root, check=False).returncode


def told(found: Called, run: int) -> None:
    """What is run of contract tests, and what is not."""
    print(f"Tests of units, and {run} files of contract tests, by what changed.", flush=True)
    if left := len(found.files) - run + found.further:
        print(f"{left} more files of contract tests reach it: `just test contract` runs them.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
