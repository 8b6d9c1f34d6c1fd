"""A thread that does one thing after the other for an event loop, and keeps no process alive.

A call goes in, what it returns or raises comes out. It costs a third of what an executor's hop does. The thread begins
with the first call.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[object, ...]]


class Worker:
    """One thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: Thread | None = None

    def run(self, call: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        """What `call` comes to, after all that was asked before; it goes on when nobody waits for it any more."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, future, call, arguments))
        return future

    def end(self) -> None:
        """Ends the thread, after all that was asked of it."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _do(*job)
            del job  # what it was about is not kept until there is another


def _do(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]", call: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    result, failure = None, None
    try:
        result = call(*arguments)
    except BaseException as error:  # noqa: BLE001  whoever waits is told of it
        failure = error
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(_tell, future, result, failure)
    failure = None  # which knows this frame


def _tell(future: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
