"""Where the verbs of this machine tell a gateway to take in another revision: a socket in a folder of its own.

No request gets here: it is no port, and nobody else may enter the folder. In: lines of words. Out: a line of JSON for
each. What a connection has prepared is dropped with it, unless it was taken: a verb that dies changes nothing.

    prepare REVISION    reads and builds it beside what runs; says why not, where it can't be
    take                serves what this connection has prepared
    which               says which one is served
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec

from functions.gateway.live import Beyond, Live
from functions.gateway.revisions import Said, whole
from functions.gateway.routes import Route, compile_routes
from runtime.manifest import Manifest, ManifestError, read_all
from runtime.telemetry import log

PATIENCE = 30.0  # seconds in which the next word has to come

logger = log.get(__name__)


@asynccontextmanager
async def listening(path: Path, live: Live, manifests: Path) -> AsyncIterator[None]:
    """For the length of the block; `manifests` is the folder of revisions."""
    control = Control(live, manifests)
    with _socket(path) as listener:
        server = await asyncio.start_unix_server(control.converse, sock=listener)
        try:
            yield
        finally:
            server.close()


@contextmanager
def _socket(path: Path) -> Iterator[socket.socket]:
    """One of that path, which nobody else may use; another that was killed may have left its own there."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


class Control:
    """One gateway's; one verb at a time prepares something."""

    def __init__(self, live: Live, manifests: Path, patience: float = PATIENCE) -> None:
        self._live = live
        self._manifests = manifests
        self._patience = patience
        self._prepared: object = None  # by whom something is

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        try:
            with suppress(TimeoutError, OSError, ValueError):
                while line := await asyncio.wait_for(reader.readline(), self._patience):
                    said = await self._answer(line.decode("latin-1").split(), reader)
                    writer.write(msgspec.json.encode(said) + b"\n")
                    await writer.drain()
        finally:
            writer.close()
            if self._prepared is reader:
                self._prepared = None
                await self._live.drop()

    async def _answer(self, words: list[str], who: object) -> Said:
        match words:
            case ["prepare", revision]:
                return await self._prepare(revision, who)
            case ["take"] if self._prepared is who:
                self._prepared = None
                self._live.take()
                logger.info("serves another revision", revision=self._live.revision)
                return self._said()
            case ["take"]:
                return self._said("nothing was prepared")
            case ["which"]:
                return self._said()
        return self._said("that is not understood")

    async def _prepare(self, revision: str, who: object) -> Said:
        if self._prepared not in (None, who):
            return self._said("another command is having a revision taken in")
        self._prepared = who
        found = await asyncio.to_thread(compiled, self._manifests, revision)
        if not isinstance(found, tuple):
            return self._said(*found)
        try:
            await self._live.prepare(revision, *found)
        except Beyond as beyond:
            return Said(self._live.revision, beyond.lines, rolls=True)
        except Exception as error:
            logger.exception("a revision that can't be prepared", revision=revision)
            return self._said(repr(error))
        return self._said()

    def _said(self, *why: str) -> Said:
        return Said(self._live.revision, [*why])


def compiled(folder: Path, revision: str) -> tuple[list[Manifest], list[Route]] | list[str]:
    """What a revision says, or everything that is wrong with it."""
    if not whole(folder, revision):
        return [f"{revision} is not there as a whole"]
    try:
        manifests = read_all(folder / revision)
        return manifests, compile_routes(manifests)
    except ManifestError as error:
        return error.lines
