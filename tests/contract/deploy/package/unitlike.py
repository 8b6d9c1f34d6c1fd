"""NGINX Unit's side of a Python application, as far as an application can tell: a program that plays one process of it.

    python -I -S unitlike.py load OBJECT          loads the application, and tells what loading did
    python -I -S unitlike.py serve OBJECT LIVES   answers requests: lines of JSON in, lines of JSON out

OBJECT is a file with an application object. An empty line ends a life, as a restart does, whatever is still being
answered; each has a loop of its own, and Unit has one. Sources, of Unit 1.35: src/nxt_unit.c (nxt_unit_quit,
nxt_unit_request_done), src/python/nxt_python.c, nxt_python_asgi.c, nxt_python_asgi_http.c, nxt_python_asgi_lifespan.c.
Nothing here imports the project: the application does that, or fails.
"""

import asyncio
import gc
import importlib
import inspect
import json
import os
import sys
import threading
import types
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote_to_bytes

Message = dict[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]

SENT_AT_ONCE = 5  # bytes of a body that are there when it is asked for, so that longer ones come in two parts
LONGEST_ENTRY = 2048 - len("2026/11/30 12:00:00 [error] 12345#12345 [unit] \n")  # bytes of one in Unit's log
EMPTY = {"status": 200, "headers": [["Content-Type", "text/plain"]], "body": ""}  # where an application gives no answer
FAILED = {"status": 503, "headers": [["Content-Type", "text/html"]], "body": "<!DOCTYPE html><title>Error 503</title>"}


def load(told: Message) -> Any:  # noqa: ANN401  it may be anything: that is the question
    """What nxt_python_start() does before it looks at the application."""
    os.environ.update(told["environment"])
    os.chdir(told["working_directory"])
    for path in reversed(told["path"]):
        sys.path.insert(0, path)
    sys.argv = ["unit"]
    return importlib.import_module(told["module"]).__dict__[told["callable"]]


def verdict(told: Message) -> Message:
    """What loading the application did, beside loading it."""
    own = set(sys.path)  # Python's
    application = load(told)
    descriptors = (str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink())
    return {
        "coroutine function": inspect.isfunction(application) and inspect.iscoroutinefunction(application),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "sockets": sum(descriptor.startswith("socket:") for descriptor in descriptors),
        "loops": sum(isinstance(each, asyncio.AbstractEventLoop) for each in gc.get_objects()),
        "modules from": sorted({place for module in list(sys.modules.values()) if (place := _place(module))} - own),
    }


def _place(module: types.ModuleType) -> str:
    """Where a module that is not Python's own came from: the last folder that is in sys.path."""
    file = getattr(module, "__file__", None) or ""
    return max((path for path in sys.path if file.startswith(f"{path}/")), key=len, default="")


class Sent:
    """What `send` returns: it can be awaited, but is no coroutine, and can't be made a task of."""

    def __await__(self) -> Iterator[None]:
        return self

    def __iter__(self) -> Iterator[None]:
        return self

    def __next__(self) -> None:
        raise StopIteration


class Call:
    """One request. It says that the client has gone when the answer is complete, or Unit ends, and never otherwise."""

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes) -> None:
        self._loop = loop
        self._left = body
        self._said_nothing = False
        self._waiting: asyncio.Future[Message] | None = None
        self._promised: int | None = None
        self._closed = False
        self._begun = False  # its head has left, which the first part of the body takes along
        self.answer: Message = {"status": 0, "headers": [], "body": ""}
        self.complete = False

    def receive(self) -> "asyncio.Future[Message]":
        future = self._loop.create_future()
        message = self._next()
        if message is None:
            self._waiting = future
        else:
            self._loop.call_soon(future.set_result, message)
        return future

    def _next(self) -> Message | None:
        if self.complete or self._closed:
            return {"type": "http.disconnect"}
        if self._left:
            part, self._left = self._left[:SENT_AT_ONCE], self._left[SENT_AT_ONCE:]
            return {"type": "http.request", "body": part} | ({"more_body": True} if self._left else {})
        if self._said_nothing:
            return None
        self._said_nothing = True
        return {"type": "http.request"}  # also behind a body: it has no keys, and nothing comes after it

    def send(self, message: Message) -> Sent:
        expected = "http.response.body" if self.answer["status"] else "http.response.start"
        if message["type"] != expected:
            raise RuntimeError(f"Expected ASGI message {expected!r}, but got {message['type']!r}")
        if self.answer["status"]:
            self._send_body(message)
        else:
            self._send_start(message)
        return Sent()

    def _send_start(self, message: Message) -> None:
        if not isinstance(message["status"], int):
            raise TypeError("'status' is not an integer")
        for name, value in message.get("headers", ()):
            if not (isinstance(name, bytes) and isinstance(value, bytes)):
                raise TypeError("'headers' item is not a byte string")
            if name.lower() == b"content-length":
                self._promised = int(value)
            self.answer["headers"].append([name.decode("latin-1"), value.decode("latin-1")])
        self.answer["status"] = message["status"]

    def _send_body(self, message: Message) -> None:
        if self.complete:
            raise RuntimeError("Unexpected ASGI message 'http.response.body' sent, after response already completed")
        body, more = message.get("body", b""), message.get("more_body", False)
        if not isinstance(more, bool) or not isinstance(body, bytes | bytearray):
            raise TypeError("'more_body' is not a bool, or 'body' is not a byte string")
        self.answer["body"] += bytes(body).decode("latin-1")
        self._begun = self._begun or bool(body) or "body" not in message
        if self._promised is not None and len(self.answer["body"]) > self._promised:
            raise RuntimeError("Response content longer than Content-Length")
        if more:
            return
        self.complete = True
        self._disconnect()

    def _disconnect(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result({"type": "http.disconnect"})

    def close(self) -> None:
        """Unit ends, and says so in this way."""
        self._closed = True
        self._disconnect()

    def seen(self, *, failed: bool) -> Message:
        """What its client sees once the application is done with it, or `failed`."""
        if failed:
            return {**(self.answer if self._begun else FAILED), "whole": not self._begun}
        if not self.answer["status"]:
            return {**EMPTY, "whole": True}
        short = self._promised is not None and len(self.answer["body"]) < self._promised
        return {**self.answer, "whole": self.complete or not short}  # what has no length is ended as if it were whole


class Life:
    """The lifespan protocol, 2.0 with state."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._begun = False
        self._waiting: asyncio.Future[Message] | None = None
        self.started: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.failure: str | None = None

    def receive(self) -> "asyncio.Future[Message]":
        future = self._loop.create_future()
        if self._begun:
            self._waiting = future
        else:
            self._begun = True
            self._loop.call_soon(future.set_result, {"type": "lifespan.startup"})
        return future

    def send(self, message: Message) -> Sent:
        phase, _, outcome = message["type"].removeprefix("lifespan.").partition(".")
        if outcome == "failed":
            self.failure = message.get("message", "").encode()[:LONGEST_ENTRY].decode(errors="ignore")
        (self.started if phase == "startup" else self.ended).set_result(None)
        return Sent()

    def over(self, task: "asyncio.Task[None]") -> None:
        """Without a word at its start the application is taken for one that knows no lifespan."""
        if not self.started.done():
            self.failure = f"it said nothing: {task.exception()!r}"
            self.started.set_result(None)

    def shut(self) -> None:
        assert self._waiting is not None
        self._waiting.set_result({"type": "lifespan.shutdown"})


class Process:
    """One life of the application, on one loop."""

    def __init__(self, application: Application, number: int) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.faults: list[str] = []
        self.loop.set_exception_handler(lambda _, said: self.faults.append(repr(said)))
        self._application = application
        self._client = ("127.0.0.1", 0) if number % 2 else ("", 0)
        self._life = Life(self.loop)
        self._quit: asyncio.Future[None] = self.loop.create_future()
        self._active: dict[asyncio.Task[None], Call] = {}
        self._rest = b""

    def live(self) -> None:
        """From the first word of the lifespan to its last; in between, what is on standard input."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        life = self.loop.create_task(self._call(scope, self._life.receive, self._life.send))
        life.add_done_callback(self._life.over)
        self.loop.run_until_complete(self._life.started)
        if self._life.failure is not None:
            say(failed=self._life.failure)
            sys.exit(1)
        say(started=True)
        self.loop.add_reader(sys.stdin.fileno(), self._read)
        self.loop.run_until_complete(self._quit)
        self.loop.remove_reader(sys.stdin.fileno())
        self._life.shut()
        self.loop.run_until_complete(self._life.ended)
        self._leave()
        self.loop.run_until_complete(life)
        left = [repr(task) for task in asyncio.all_tasks(self.loop)]
        self.loop.run_until_complete(self.loop.shutdown_default_executor())  # whose threads are the loop's own
        threads = [thread.name for thread in threading.enumerate() if _goes_on(thread)]
        self.loop.close()
        say(ended=True, faults=self.faults + left + threads)

    def _call(self, *arguments: Any) -> Any:  # noqa: ANN401  whatever the application returns
        coroutine = self._application(*arguments)
        if type(coroutine) is not types.CoroutineType:
            raise TypeError("Application result type is not a coroutine")
        return coroutine

    def _read(self) -> None:
        *lines, self._rest = (self._rest + os.read(sys.stdin.fileno(), 65536)).split(b"\n")
        for line in lines:
            if line:
                self._begin(json.loads(line))
            else:
                self._end()

    def _end(self) -> None:
        self._quit.set_result(None)
        for call in self._active.values():
            call.close()

    def _begin(self, asked: Message) -> None:
        call = Call(self.loop, asked["body"].encode("latin-1"))
        task = self.loop.create_task(self._call(self._scope(asked), call.receive, call.send))
        self._active[task] = call
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        """Unit asks for the result, and logs what that raises."""
        call = self._active.pop(task)
        try:
            task.result()
        except BaseException as error:  # noqa: BLE001  a cancelled task's, too
            self.faults.append(repr(error))
            say(**call.seen(failed=True))
        else:
            say(**call.seen(failed=False))

    def _leave(self) -> None:
        """The process is gone, and with it the tasks that were not done: their clients hear it from the router."""
        for task, call in self._active.items():
            task.remove_done_callback(self._done)
            task.cancel()
            say(**call.seen(failed=True))
        self.loop.run_until_complete(asyncio.gather(*self._active, return_exceptions=True))
        self._active.clear()

    def _scope(self, asked: Message) -> Message:
        path, _, query = asked["target"].partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.1"},
            "http_version": "1.1",
            "scheme": "http",
            "method": asked["method"],
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "client": self._client,
            "server": ("127.0.0.1", 80),
            "headers": tuple(
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in asked["headers"]
            ),
        }


def _goes_on(thread: threading.Thread) -> bool:
    """Whether it is still there, also when it gets the time to end."""
    if thread is not threading.main_thread():
        thread.join(5)
    return thread is not threading.main_thread() and thread.is_alive()


def say(**message: object) -> None:
    """One line to whoever plays the client."""
    print(json.dumps(message), flush=True)  # noqa: T201  that is how it speaks


def main(verb: str, file: str, lives: str = "1") -> None:
    """Plays one process of Unit."""
    told = json.loads(Path(file).read_text(encoding="utf-8"))
    if verb == "load":
        say(**verdict(told))
        return
    application = cast("Application", load(told))
    for number in range(int(lives)):
        Process(application, number).live()


if __name__ == "__main__":
    main(*sys.argv[1:])
