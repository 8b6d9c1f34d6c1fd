"""function.toml -> Granian: `python -m runtime.serving.serve functions/users` runs one instance until SIGTERM.

The one place that knows the server. The server is embedded, so an instance is one process: a kill leaves no orphan
behind, and draining can be told to the application while the listener is still open.
"""

import asyncio
import gc
import importlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import msgspec
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from runtime import settings, silence
from runtime.http.sizes import REQUEST_HEAD
from runtime.manifest import Manifest, ManifestError
from runtime.serving import graceful_close, membership
from runtime.serving.application import Application
from runtime.serving.deadline import Deadline
from runtime.serving.health import Health, State
from runtime.telemetry import log

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Serve(msgspec.Struct, frozen=True):
    """How one instance is served."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8000
    instance: str = msgspec.field(default_factory=socket.gethostname)
    log_format: log.Format = "auto"
    reload: bool = False  # serve anew when a source file changes: for developers
    reload_also: str = ""  # a pattern of further files that do so
    members_dir: str = ""  # the folder of members on the local engine; DNS knows them in containers
    drain_notice: Seconds = 2.0  # how long others may take to see that this instance leaves, and to let go of it
    kill_timeout: Seconds = 25.0  # from the signal on; after this, what still runs is cut off


# Connections that wait to be accepted.
BACKLOG = 2048
# Granian's bound on open ones, above nginx workers x keepalive: thousands that are slow leave room for the others.
CONNECTIONS = 8192
# Seconds in which whoever looks into the folder of members has looked: twice as long as gateways take.
SEEN = 0.5
# Containers that are made and not yet freed by their count before cycles among them are looked for.
GARBAGE = 20_000
# Seconds. Granian closes a connection that is idle for longer, so nginx must keep its own for less; and for less than
# the notice, too, as what is idle at its end is closed, whatever has just been sent on it.
HEADER_READ_TIMEOUT = 60.0

logger = log.get(__name__)


def main(folder: Path) -> int:
    """Serves the function in `folder`; the process's exit code."""
    options = settings.load(Serve, os.environ)
    log.configure(options.log_format, instance=options.instance)
    if options.reload:
        return _reloading(folder, options.reload_also)
    manifest = Manifest.read(folder)
    application = _application(manifest)
    _allow_open_files()
    try:
        return uvloop.run(_serve(application, manifest.name, options))
    except OSError as error:
        return _not_started(manifest.name, "", error)


def _reloading(folder: Path, also: str) -> int:
    from runtime.serving.reload import Loop  # noqa: PLC0415  only developers need it

    def anew() -> int:
        os.environ.update(RELOAD="0", DEVELOPING="1")
        return int(importlib.import_module("runtime.serving.serve").main(folder))

    return Loop(anew, [Path("runtime"), folder], also).run(lambda: _application(Manifest.read(folder)))


def _allow_open_files() -> None:
    """Each connection is one, and the soft limit is often 1024, lower than a program that knows its bounds may go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4 * CONNECTIONS  # a request may hold one to its client and one to its function
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most if hard == resource.RLIM_INFINITY else min(hard, most), hard))


def _application(manifest: Manifest) -> Application:
    """What the manifest names. Raises ManifestError when it is not there; what its own code raises stays whole."""
    app = manifest.app
    if app is None:
        raise ManifestError([manifest.told(("upstream",), "is run by others; there is nothing to serve")])
    try:
        module = importlib.import_module(app.module)
    except ModuleNotFoundError as error:
        if not f"{app.module}.".startswith(f"{error.name}."):
            raise
        raise ManifestError([manifest.told(("app", "module"), f"there is no module {error.name}")]) from None
    application: Application | None = getattr(module, app.callable, None)
    if application is None or not isinstance(getattr(application, "health", None), Health):
        why = f"{app.module}.{app.callable} is not what runtime.serving.application.application() makes"
        raise ManifestError([manifest.told(("app", "callable"), why)])
    return application


async def _serve(application: Application, name: str, options: Serve) -> int:
    health = application.health
    health.hears_who_leaves = True
    stop = _stop_signal()
    told = asyncio.create_task(stop.wait())
    _refuse_taken(options.host, options.port)
    server = _server(application, options)
    running = asyncio.create_task(server.serve())
    if not await _first(health.until_ready(), running, told):
        return 0 if told.done() else _not_started(name, health.failure, running.exception())
    try:
        with _member(name, options):
            _settle_memory()
            for listener in graceful_close.listeners(options.port):
                with listener:
                    silence.ask(listener)
            logger.info("ready", function=name, address=f"{options.host}:{options.port}")
            await asyncio.wait({told, running}, return_when=asyncio.FIRST_COMPLETED)
            health.drain()
    except OSError:
        await _stop(server, running, options.kill_timeout)
        raise
    if told.done():
        await _leave(server, running, health, options)
    return 0 if told.done() else 1


def _settle_memory() -> None:
    """What is there now stays, so the collector need not look at it again; requests leave few cycles behind.

    With CPython's own threshold a sixth of a busy gateway's time went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _not_started(name: str, why: str, error: BaseException | None) -> int:
    logger.error("did not start", function=name, why=why or str(error))
    return 1


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _refuse_taken(host: str, port: int) -> None:
    """Raises OSError when the address can't be had. The server wouldn't: it would share the port with its owner."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def _server(application: Application, options: Serve) -> Server:
    # What fails at start is told once, by us.
    logging.getLogger("_granian").addFilter(lambda _record: application.health.state is not State.STARTING)
    return Server(
        application,
        address=options.host,
        port=options.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        runtime_threads=1,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=int(HEADER_READ_TIMEOUT * 1000), max_buffer_size=REQUEST_HEAD),
        log_level=LogLevels.error,  # below that it says at each start that embedding is new
        log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
    )


def _member(name: str, options: Serve) -> AbstractContextManager[None]:
    if not options.members_dir:
        return nullcontext()
    return membership.member(Path(options.members_dir) / name, f"{options.host}:{options.port}")


async def _leave(server: Server, running: "asyncio.Task[None]", health: Health, options: Serve) -> None:
    """Serves on until others had time to notice, takes in whoever stands before the door, and finishes what runs.

    In the meantime each answer ends its connection, so that none is left on which a request could be on its way.
    """
    cut_off = Deadline.after(options.kill_timeout)
    logger.info("draining", in_flight=health.in_flight)
    await _noticed(options)
    if options.drain_notice:
        await graceful_close.shut(options.port)
    await _stop(server, running, cut_off.remaining())


async def _noticed(options: Serve) -> None:
    """Where a folder tells who is there, everybody has looked after SEEN; who has let go by then is not waited for."""
    least = SEEN if options.members_dir else options.drain_notice
    await graceful_close.let_go(options.port, least, options.drain_notice)


async def _stop(server: Server, running: "asyncio.Task[None]", patience: float) -> None:
    server.stop()  # type: ignore[no-untyped-call]  # Granian leaves it without types
    await asyncio.wait({running}, timeout=patience)
    if not running.done():
        logger.warning("stopped with connections open")
        os._exit(0)  # a stream without an end would hold the process for ever


async def _first(wanted: Coroutine[Any, Any, object], *others: "asyncio.Task[Any]") -> bool:
    """Whether `wanted` came before any of `others` ended."""
    task = asyncio.ensure_future(wanted)
    await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
    return task.done() or not task.cancel()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m runtime.serving.serve FOLDER")
    sys.exit(main(Path(sys.argv[1])))
