"""deploy/chaos/offender.py: whatever one client does, it is told when it is answered otherwise than is right."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from deploy.chaos.offences import OFFENCES
from deploy.chaos.offender import offences, offend
from tests.ports import free_port


class Door:
    """Answers all that comes alike, once it is there."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self.port = free_port()

    @contextmanager
    def open(self) -> Iterator[tuple[str, int]]:
        self._thread.start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        yield "127.0.0.1", self.port
        asyncio.run_coroutine_threadsafe(self._shut(server), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _shut(self, server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if writer.can_write_eof():
                writer.write(self._said)
                writer.write_eof()
        writer.close()


def test_every_offence_is_done_and_what_is_not_right_is_told() -> None:
    with Door(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").open() as door:
        wrong = offend(door, ("127.0.0.1", free_port()), 0.0)
    assert len(wrong) == sum(offence.right != 404 for offence in OFFENCES) + 1  # and the odd service's good answer
    assert all("is answered 404 and not" in each for each in wrong[:-1])
    assert wrong[-1] == "an odd service that answers well was never heard"


def test_who_is_not_answered_tells_it_of_every_offence() -> None:
    nobody = ("127.0.0.1", free_port())
    assert len(offend(nobody, ("127.0.0.1", free_port()), 0.0)) == len(offences()) + 1
