"""Where the contract suite runs: a gateway's memory, two gateways on one Redis, and nginx before a gateway."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import httpx

from deploy.engine import GATEWAY
from deploy.local import nginx, packages
from deploy.local.layout import Layout
from deploy.local.programs import nginx as front_door
from deploy.local.readiness import ready
from deploy.revisions import Revisions
from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.stages.cache.fills import Fills
from functions.gateway.stages.cache.invalidate import invalidate
from functions.gateway.stages.cache.keys import plain
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.cache.stage import Rules, cache
from functions.gateway.stages.forward.headers import incoming
from functions.gateway.stages.forward.stage import InstanceFailed
from runtime.http.problem import UNREACHABLE, Problem
from tests.contract.functions.gateway.stages.cache.conftest import Gateway, until
from tests.contract.functions.gateway.stages.cache.script import Answer, Function
from tests.contract.functions.gateway.town import ROOT, Served
from tests.exchanges import exchange
from tests.ports import free_port

HOST = "portico.test"
RULES = Rules("things", plain, largest=100_000, longest=86_400.0, deadline=10.0)

METHODS = ("GET", "POST", "PUT", "DELETE")

Head = list[tuple[str, str]]


class Backend(Protocol):
    """A cache before a function that a test scripts."""

    function: Function

    def ask(self, method: str, target: str, headers: Head) -> Answer:
        """What a client gets."""


class InProcess:
    """Gateways' caches without their surroundings; each request goes to the next one."""

    def __init__(self, runner: asyncio.Runner, gateways: list[Levels]) -> None:
        self.function = Function()
        self._runner = runner
        self._gateways = [(levels, *self._handlers(levels)) for levels in gateways]
        self._turn = 0

    def ask(self, method: str, target: str, headers: Head) -> Answer:
        return self._runner.run(self._ask(method, target, headers))

    async def _ask(self, method: str, target: str, headers: Head) -> Answer:
        self._turn += 1
        levels, cached, changing = self._gateways[self._turn % len(self._gateways)]
        await until(lambda: not levels.alone)
        fields = [(name.lower().encode(), value.encode()) for name, value in [("Host", HOST), *headers]]
        handler = cached if method in {"GET", "HEAD"} else changing
        try:
            response = await handler(exchange(method.encode(), target.encode(), fields))
        except Problem as problem:
            return Answer(problem.kind.status, texts(problem.headers), b"")
        body = response.content
        while response.stream is not None and (part := await response.stream.read()):
            body += part
        response.finish()
        for _ in range(3):  # what is kept goes to level two before the next one asks
            await levels.recall(b"things " + target.encode())
        return Answer(response.status, texts(response.headers), body)

    def _handlers(self, levels: Levels) -> tuple[Handler, Handler]:
        fills = Fills(time.time)
        levels.on_invalidated.append(fills.forget)
        return cache(levels, fills, RULES)(self._answered), invalidate(levels, "things")(self._answered)

    async def _answered(self, asked: Exchange) -> Response:
        status, said, content = self.function.answers(texts(asked.headers))
        if self.function.step.breaks:
            raise InstanceFailed(UNREACHABLE, sent=True)
        fields = incoming([(name.lower().encode(), value.encode()) for name, value in said])
        return Response(status, fields, b"" if asked.method == b"HEAD" else content)


def texts(headers: Sequence[Header]) -> Head:
    return [(name.decode(), value.decode()) for name, value in headers]


class Behind:
    """A gateway's process, asked through nginx; the function is a server of this process."""

    def __init__(self, url: str, function: Function) -> None:
        self.function = function
        self._client = httpx.Client(base_url=url, timeout=30)

    def ask(self, method: str, target: str, headers: Head) -> Answer:
        request = self._client.build_request(method, target, headers=[*headers, ("Host", HOST)])
        for name in ("accept", "accept-encoding", "connection", "user-agent"):
            request.headers.pop(name, None)
        answer = self._client.send(request)
        return Answer(answer.status_code, list(answer.headers.multi_items()), answer.content)

    def close(self) -> None:
        self._client.close()


@contextmanager
def memory() -> Iterator[Backend]:
    with asyncio.Runner() as runner:
        yield InProcess(runner, [Levels(1_000_000)])


@contextmanager
def redis(url: str) -> Iterator[Backend]:
    """Two gateways by turns: whatever comes from the cache has come by way of Redis, or was checked against it."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        gateways = [runner.run(stack.enter_async_context(Gateway(url).running())) for _ in range(2)]
        yield InProcess(runner, [gateway.levels for gateway in gateways])
        runner.run(stack.aclose())


@contextmanager
def through_nginx(folder: Path, redis_url: str, base: int) -> Iterator[Backend]:
    function = Function()
    layout = Layout(ROOT, folder, base)
    with serving(function) as port:
        gateway = Served(
            ROOT / "functions/gateway",
            PORT=str(layout.slot(GATEWAY, 1)),
            FUNCTIONS_DIR=str(manifest(folder / "functions", port)),
            DISCOVERY=f"directory:{folder / 'members'}",
            REDIS_URL=redis_url,
            CACHE_URL=redis_url,
        )
        layout.nginx.mkdir(parents=True)
        revisions = Revisions(layout.revisions)
        revisions.serve(revisions.take(layout.manifests))
        nginx.render(layout)
        runs = front_door(layout, packages.require("nginx"), reachable=False)
        with (
            (folder / "access.log").open("wb") as log,
            subprocess.Popen(runs.command, cwd=runs.directory, stdout=log) as process,
        ):
            while not ready(runs):
                assert process.poll() is None, "nginx ended"
            behind = Behind(f"http://127.0.0.1:{base}", function)
            yield behind
            behind.close()
            process.terminate()
        gateway.kill()


def manifest(folder: Path, port: int) -> Path:
    """Of the function as a service of somebody else's, which may fail as often as it likes."""
    paths = [f"{method} /things/{{case}}{rest}" for method in METHODS for rest in ("", "/{more}")]
    routes = "".join(
        f'\n[[route]]\nmatch = "{path}"\n' + ('cache = "shared"\n' if path.startswith("GET") else "") for path in paths
    )
    (folder / "things").mkdir(parents=True)
    (folder / "things/function.toml").write_text(
        f'name = "things"\n[upstream]\nurl = "http://127.0.0.1:{port}"\n'
        '[defaults]\nauth = "public"\nretries = 0\nfailures = []\n'
        f'[circuit]\nconsecutive = 20\nratio = 0.8\nopen = "1ms"\nlongest = "1ms"\n{routes}'
    )
    return folder


@contextmanager
def serving(function: Function) -> Iterator[int]:
    """`function` on a port."""

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            status, said, content = function.answers(list(self.headers.items()))
            if function.step.breaks:
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in said:
                self.send_header(name, value)
            if status not in {204, 304}:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the library's names

        def log_message(self, *_: Any) -> None:  # noqa: ANN401  the library's signature
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Asked)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()
