"""What does not depend on each other, done side by side; whoever is interrupted, or fails, has the others stop first.

In: things to do. Out: when all of them are done, or the first failure, once nothing is under way any more. Whatever
waits within one of them asks `go_on` from time to time.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context

from deploy import undisturbed
from deploy.undisturbed import Halted, go_on

_PAUSE = 0.1  # seconds between two looks: a signal that another thread got is acted upon only when this one looks
AT_ONCE = 4  # each starts programs, and those that serve meanwhile need the processor, too


def together(acts: Sequence[Callable[[], object]]) -> None:
    """Returns when all are done. Raises what the first of them raised that failed by itself."""
    if not acts:
        return
    event = threading.Event()
    with ThreadPoolExecutor(min(AT_ONCE, len(acts))) as pool:
        running: list[Future[None]] = []
        try:
            running.extend(pool.submit(copy_context().run, _told, event, act) for act in acts)
            while not (_any_failed(running) or all(each.done() for each in running)):
                wait(running, _PAUSE, FIRST_EXCEPTION)
        finally:
            with undisturbed.undisturbed():
                event.set()
                wait(running)
    failures = [error for each in running if (error := each.exception())]
    raise_first(failures)


def raise_first(failures: Sequence[BaseException]) -> None:
    """One that is a cause goes before those that only stopped."""
    for failure in sorted(failures, key=lambda each: isinstance(each, Halted)):
        raise failure


def _told(event: threading.Event, act: Callable[[], object]) -> None:
    undisturbed.halt.set(event)
    go_on()
    try:
        act()
    except BaseException:
        event.set()  # before the next one begins
        raise


def _any_failed(running: "Sequence[Future[None]]") -> bool:
    return any(each.done() and each.exception() for each in running)
