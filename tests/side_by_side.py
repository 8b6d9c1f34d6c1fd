"""Which tests run on one worker, one after the other, and which of them are begun first: the one place that says so.

A share is what a worker takes at once: a file, but where several files use one stack, which is made once then. All of
a session's fixtures (servers, stacks) are a worker's own, ports and networks are claimed (tests/ports.py), so shares
need nothing of each other and may run in any order, beside any other, but for tests that must be alone.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

_ENGINE = re.compile(r"^tests/e2e/.*[\[-](local|docker)[\]-]")
_FIRST = (  # what takes longest, longest first, so that no worker is left with it in the end
    "e2e docker",
    "e2e local",
    "tests/e2e/",
    "tests/contract/",
    "tests/unit/functions/gateway/test_resilience.py",
    "tests/unit/",
)
_ALONE = ("tests/e2e/test_chaos.py",)  # what counts requests that come too late: others would make them late
_MOST_WORKERS = 6  # more would need more memory than a small machine has


def share(test: str) -> str:
    """Of a test, by its name as pytest has it."""
    engine = _ENGINE.match(test)
    return f"e2e {engine[1]}" if engine else test.partition("::")[0]


def layer(test: str) -> str:
    """What its time is counted under: unit, contract, or e2e on an engine."""
    engine = _ENGINE.match(test)
    return f"e2e {engine[1]}" if engine else test.removeprefix("tests/").partition("/")[0]


def rank(test: str) -> int:
    """Where its share stands among others."""
    name = share(test)
    return next((place for place, first in enumerate(_FIRST) if name.startswith(first)), len(_FIRST))


def workers(places: list[str]) -> int:
    """How many, for tests at these places: one more than there are cores, as many tests wait; those of units do not."""
    cores = len(os.sched_getaffinity(0))
    return min(cores if all("unit" in place for place in places) else cores + 1, _MOST_WORKERS)


@contextmanager
def turn(test: str, folder: Path) -> Iterator[None]:
    """For the length of a test: it may run beside others, or, if it must be alone, beside none of its run.

    Whoever must be alone keeps the door shut while the last of the others leave, so that nobody waits for ever.
    """
    with (folder / "door").open("w") as door, (folder / "room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        if test.startswith(_ALONE):
            fcntl.flock(room, fcntl.LOCK_EX)
        else:
            fcntl.flock(room, fcntl.LOCK_SH)
            fcntl.flock(door, fcntl.LOCK_UN)
        yield


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Gives each worker a share, and the next one when it is nearly through."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False  # by what they take, not by how many tests they are
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
