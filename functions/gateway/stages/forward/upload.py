"""A request's body as it goes on the wire, part by part, held to the length that its head announced.

In: the client's parts, b"" at their end. Out: framed bytes. It never reads further than the announced length.
"""

from functions.gateway.exchange import Receive
from functions.gateway.stages.forward.errors import UploadFailed


class Upload:
    """A body that is still coming; `ended` once `next` has given its last part.

    `length` in bytes, more than 0; None means chunked.
    """

    __slots__ = ("_left", "_read", "ended")

    def __init__(self, read: Receive, length: int | None) -> None:
        self._read = read
        self._left = length
        self.ended = False

    async def next(self) -> bytes:
        """The next part, framed (RFC 9112, section 7.1). Raises UploadFailed."""
        try:
            part = await self._read()
        except Exception as error:
            raise UploadFailed("the client's body broke off") from error
        return self._chunk(part) if self._left is None else self._sized(part, self._left)

    def _chunk(self, part: bytes) -> bytes:
        self.ended = not part
        return b"%x\r\n%b\r\n" % (len(part), part)

    def _sized(self, part: bytes, left: int) -> bytes:
        if not part:
            raise UploadFailed(f"the client's body ended {left} bytes early")
        if len(part) > left:
            raise UploadFailed("the client's body is longer than announced")
        self._left = left - len(part)
        self.ended = self._left == 0
        return part
