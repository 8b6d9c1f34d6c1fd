"""runtime/serving/application.py: the outermost layer of every function."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
import structlog
from litestar import Litestar, get

from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.http.api import api
from runtime.serving import deadline
from runtime.serving.answered import Unanswered
from runtime.serving.application import Application, application
from runtime.serving.health import Health, State
from runtime.settings import SettingsError
from tests.calls import Server as Caller
from tests.calls import scope


class Server:
    """What a server is to an application, without one: it calls and keeps what is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.sent: list[Message] = []
        self._told: asyncio.Queue[Message] = asyncio.Queue()

    async def get(
        self, path: str, *headers: tuple[bytes, bytes], method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        """A request; its status, headers and body."""
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
        begin = len(self.sent)
        await self._app({**scope, "headers": list(headers)}, self._told.get, self._send)
        head, *parts = self.sent[begin:]
        shown = {name.decode(): value.decode() for name, value in head["headers"]}
        return head["status"], shown, b"".join(part["body"] for part in parts)

    async def live(self) -> list[str]:
        """A whole life; what the application said of it."""
        life = asyncio.create_task(self.begin())
        await asyncio.sleep(0)
        self.end()
        return await life

    def end(self) -> None:
        self._told.put_nowait({"type": "lifespan.shutdown"})

    async def begin(self) -> list[str]:
        """A life from here on, until the application is told to end."""
        self._told.put_nowait({"type": "lifespan.startup"})
        await self._app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, self._told.get, self._send)
        return [message["type"].removeprefix("lifespan.") for message in self.sent]

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def send_body(self, *parts: bytes) -> None:
        """Of the next request."""
        for number, part in enumerate(parts, 1):
            self._told.put_nowait({"type": "http.request", "body": part, "more_body": number < len(parts)})

    @property
    def unread(self) -> int:
        return self._told.qsize()


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with what it knows of the request."""
    known = {"left": deadline.remaining(), **structlog.contextvars.get_contextvars()}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-mine", b"1")]})
    await send({"type": "http.response.body", "body": json.dumps(known).encode()})


def made(app: ASGIApp = hello, **options: Any) -> Application:  # noqa: ANN401  of application()
    return application(app, Health(), **options)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()
    deadline.current.set(None)


def test_it_is_a_plain_coroutine_function_as_nginx_unit_wants_it() -> None:
    assert inspect.iscoroutinefunction(made())


# Requests.


async def test_a_request_reaches_the_application() -> None:
    status, headers, _ = await Server(made()).get("/users")
    assert (status, headers) == (200, {"x-mine": "1"})


async def test_a_head_is_served_by_what_serves_a_get_and_brings_no_content() -> None:
    async def tell(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-method", scope["method"].encode())]})
        await send({"type": "http.response.body", "body": b"content"})

    assert await Server(made(tell)).get("/", method="HEAD") == (200, {"x-method": "GET"}, b"")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics"])
async def test_a_body_that_comes_where_none_is_wanted_is_read_on(path: str) -> None:
    server = Server(made())
    server.send_body(b"a", b"b")
    status, _, _ = await server.get(path, (b"content-length", b"2"), method="POST")
    assert status in (200, 503)
    assert server.unread == 0


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics"])
async def test_what_it_answers_itself_brings_no_content_to_a_head_either(path: str) -> None:
    (_, asked, content), (_, headers, nothing) = [
        await Server(made()).get(path, method=method) for method in ("GET", "HEAD")
    ]
    assert (nothing, len(content)) == (b"", int(asked["content-length"]))
    assert headers.keys() == asked.keys()


async def test_a_request_carries_its_id_and_the_time_that_is_left() -> None:
    _, _, body = await Server(made()).get("/", (b"x-request-id", b"r-1"), (b"x-deadline-ms", b"5000"))
    known = json.loads(body)
    assert known["request_id"] == "r-1"
    assert 0 < known["left"] <= 5


async def test_nothing_of_one_request_is_left_for_the_next() -> None:
    server = Server(made())
    await server.get("/", (b"x-request-id", b"r-1"), (b"x-deadline-ms", b"5000"))
    assert json.loads((await server.get("/"))[2]) == {"left": None}


async def test_who_stands_in_front_believes_neither() -> None:
    server = Server(made(behind_gateway=False))
    _, _, body = await server.get("/", (b"x-request-id", b"r-1"), (b"x-deadline-ms", b"5000"))
    assert json.loads(body) == {"left": None}


async def test_what_is_in_flight_is_counted_also_when_it_fails() -> None:
    seen = []

    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(app.health.in_flight)
        raise ZeroDivisionError

    app = made(failing)
    with pytest.raises(ZeroDivisionError):
        await Server(app).get("/")
    assert (seen, app.health.in_flight) == ([1], 0)


async def test_a_process_is_alive_in_every_state() -> None:
    app = made()
    server = Server(app)
    statuses = []
    for state in State:
        app.health.state = state
        statuses.append((await server.get("/livez"))[0])
    assert statuses == [200, 200, 200]


async def test_a_process_is_ready_only_between_start_and_drain() -> None:
    app = made()
    server = Server(app)
    answers = []
    for state in State:
        app.health.state = state
        status, _, body = await server.get("/readyz")
        answers.append((status, json.loads(body)["state"]))
    assert answers == [(503, "starting"), (200, "ready"), (503, "draining")]


async def test_health_tells_of_dependencies_and_is_kept_by_nobody() -> None:
    async def down() -> None:
        raise ConnectionRefusedError

    app = made()
    app.health.checks["redis"] = down
    status, headers, body = await Server(app).get("/health")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(body) == {
        "state": "starting",
        "in_flight": 0,
        "dependencies": {"redis": "down: ConnectionRefusedError"},
    }


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/health"])
async def test_every_answer_asks_for_the_connections_end_while_draining(path: str) -> None:
    app = made()
    app.health.start()
    server = Server(app)
    before = (await server.get(path))[1]
    app.health.drain()
    after = (await server.get(path))[1]
    assert ("connection" in before, after["connection"]) == (False, "close")


async def test_an_answer_that_began_before_the_drain_is_left_as_it_is() -> None:
    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        app.health.drain()
        await send({"type": "http.response.body", "body": b"whole"})

    app = made(slow)
    assert await Server(app).get("/") == (200, {}, b"whole")


# An answer that is not there.


@pytest.mark.parametrize("behind_gateway", [True, False])
@pytest.mark.parametrize("hears", [True, False])
async def test_a_call_without_an_answer_is_an_error_unless_the_server_hears_who_leaves(
    *, hears: bool, behind_gateway: bool
) -> None:
    """A function's caller is told so in any case; the gateway's has gone, if its server hears that."""

    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    app, server = application(nothing, Health(), behind_gateway=behind_gateway), Caller()
    app.health.hears_who_leaves = hears
    with nullcontext() if hears and not behind_gateway else pytest.raises(Unanswered):
        await app(scope(), server.receive, server.send)
    assert [message["status"] for message in server.got[:1]] == ([500] if behind_gateway else [])


async def test_a_call_that_the_server_ended_is_answered_before_what_it_uses_is_closed() -> None:
    begun, seen = asyncio.Event(), []

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        yield
        seen.append("closed")

    @get("/")
    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            seen.append("rolled back")

    app, caller = made(api([hang], lifespan=lifespan, failures={})), Caller()
    server = Server(app)
    life = asyncio.create_task(server.begin())
    call = asyncio.create_task(app(scope(path="/"), caller.receive, caller.send))
    await begun.wait()
    caller.leave()
    server.end()
    await asyncio.gather(life, call)
    assert (seen, caller.status) == (["rolled back", "closed"], 503)


async def test_a_call_that_does_not_end_is_waited_for_no_longer_than_patience_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime.serving.application._LAST", 0.02)
    app = made(living())
    app.health.in_flight = 1
    assert await Server(app).live() == ["startup.complete", "shutdown.complete"]


# Life.


def living(*, fail: BaseException | None = None) -> ASGIApp:
    """A function's application, whose start may fail."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        if fail is not None:
            raise fail
        loops.append(asyncio.get_running_loop())
        yield

    loops.clear()
    return api([], lifespan=lifespan, failures={})


loops: list[asyncio.AbstractEventLoop] = []


async def test_an_application_that_has_started_is_ready() -> None:
    app = made(living())
    assert await Server(app).live() == ["startup.complete", "shutdown.complete"]
    assert app.health.state is State.READY


def test_one_application_lives_twice_on_two_loops() -> None:
    app = made(living())

    async def life() -> list[str]:
        ready = asyncio.create_task(app.health.until_ready())
        said = await Server(app).live()
        await ready
        app.health.drain()
        return said

    assert [asyncio.run(life()), asyncio.run(life())] == [["startup.complete", "shutdown.complete"]] * 2
    assert loops[0] is not loops[1]


async def test_a_second_life_begins_as_the_first_one_did() -> None:
    app = made(living())
    await Server(app).live()
    seen = []

    async def watching(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(app.health.state)

    await Server(application(watching, app.health)).live()
    assert seen == [State.STARTING]


async def test_a_start_that_fails_says_the_sentence_that_was_meant_for_people() -> None:
    app = made(living(fail=SettingsError("REDIS_URL: is required")))
    server = Server(app)
    assert await server.live() == ["startup.failed"]
    assert server.sent[0]["message"] == app.health.failure == "REDIS_URL: is required"
    assert app.health.state is State.STARTING


async def test_a_start_that_fails_otherwise_shows_where() -> None:
    server = Server(made(living(fail=ZeroDivisionError("by nought"))))
    assert await server.live() == ["startup.failed"]
    first, second, *lines = server.sent[0]["message"].splitlines()
    assert (first, second, lines[-1]) == (
        "ZeroDivisionError: by nought",
        "Traceback (most recent call last):",
        "ZeroDivisionError: by nought",
    )


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (ExceptionGroup("two", [OSError("no disk"), KeyError("key")]), ["OSError: no disk", "KeyError: 'key'"]),
        (ExceptionGroup("one", [ExceptionGroup("one", [OSError("no disk")])]), ["OSError: no disk"]),
        (BaseExceptionGroup("one", [SettingsError("REDIS_URL: is required")]), ["REDIS_URL: is required"]),
    ],
)
async def test_what_went_wrong_is_said_before_where_as_unit_cuts_what_is_long(
    error: BaseException, first: list[str]
) -> None:
    async def deep(depth: int = 0) -> None:
        if depth > 100:
            raise error
        await deep(depth + 1)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        await deep()
        yield

    server = Server(made(api([], lifespan=lifespan, failures={})))
    assert await server.live() == ["startup.failed"]
    assert server.sent[0]["message"].splitlines()[: len(first)] == first


@pytest.mark.parametrize("message", [{}, {"message": ""}, {"message": "no disk"}])
async def test_an_application_that_only_says_that_it_failed_has_failed(message: dict[str, str]) -> None:
    async def failing(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed", **message})

    app = made(failing)
    server = Server(app)
    assert await server.live() == ["startup.failed"]
    assert server.sent[0]["message"] == (message.get("message") or "the application does not say why")
    assert app.health.state is State.STARTING


async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Knows no lifespan, and takes no notice."""


async def refusing(scope: Scope, _receive: Receive, _send: Send) -> None:
    """Knows no lifespan, and says so as the specification has it."""
    assert scope["type"] == "http"


@pytest.mark.parametrize("app", [silent, refusing])
async def test_an_application_that_knows_no_lifespan_is_ready_all_the_same(app: ASGIApp) -> None:
    exported = made(app)
    assert await Server(exported).live() == []
    assert exported.health.state is State.READY


async def test_what_fails_at_the_end_of_life_is_no_failed_start() -> None:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        yield
        raise ZeroDivisionError

    server = Server(made(api([], lifespan=lifespan, failures={})))
    with pytest.raises(ExceptionGroup):
        await server.live()
    assert [message["type"] for message in server.sent] == ["lifespan.startup.complete", "lifespan.shutdown.failed"]
