"""Instances that are stopped for a while, and then run again whatever happened meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from deploy.engine import Say
from deploy.local.supervisor.client import Supervisor
from deploy.undisturbed import undisturbed


@contextmanager
def paused(supervisor: Supervisor, names: Sequence[str], say: Say, until_ready: Callable[[], None]) -> Iterator[None]:
    """They are stopped for the length of the block, and ready after it."""
    try:
        say(f"Stopping {', '.join(names)}")
        supervisor.stop(names)
        yield
    finally:
        with undisturbed():
            try:
                say(f"Starting {', '.join(names)}")
            finally:  # also where nobody listens any more
                supervisor.stop(names)  # whoever was about to end, as the first was interrupted
                supervisor.revive()
                until_ready()
