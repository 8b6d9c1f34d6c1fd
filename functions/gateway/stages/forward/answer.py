"""One answer after another, read from bytes by llhttp: status, fields, content, and where it ends.

In: bytes as they arrive, and the end of them. Out: attributes that fill up. It holds no socket and never waits.
llhttp alone decides where a message ends; what it is lenient about and RFC 9112 is not, is refused here.
"""

from typing import TYPE_CHECKING, Protocol

from httptools import HttpParserError, HttpResponseParser

from functions.gateway.stages.forward.errors import Misbehaved
from runtime.sizes import READ_HEAD

if TYPE_CHECKING:
    from functions.gateway.exchange import Header

HEAD_LIMIT = READ_HEAD  # bytes of a head, and of anything else that brings no content (trailers, chunk extensions)
SKIPPED = frozenset({100, 102, 103})  # interim answers; llhttp knows that these have no content, and of no others
DELIMITED = frozenset({b"content-length", b"transfer-encoding"})


class Parser(Protocol):
    """What is used of httptools, which ships no types."""

    def feed_data(self, data: bytes) -> None: ...
    def get_status_code(self) -> int: ...
    def should_keep_alive(self) -> bool: ...


class Answer:
    """The answer that is being read; `on_` methods are llhttp's callbacks.

    `headed`: status and headers are there. `complete`: so is all content. `keep_alive`: complete, and the connection
    may serve another request. `parts`: content that nobody has taken yet.
    """

    __slots__ = (
        "_barren",
        "_bodiless",
        "_interim",
        "_parser",
        "complete",
        "headed",
        "headers",
        "keep_alive",
        "on_body",
        "parts",
        "status",
    )

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.on_body = self.parts.append  # llhttp appends by itself, without a frame of ours
        self._parser: Parser = HttpResponseParser(self)
        self._bodiless = False
        self.expect(b"")
        self.complete = True  # nothing is expected yet

    def expect(self, method: bytes) -> None:
        """Forgets the last answer; the next bytes answer a request with `method`."""
        if self._bodiless:  # the parser still waits for the content that HEAD's answer only announced
            self._parser = HttpResponseParser(self)
        self.parts.clear()
        self.status = 0
        self.headers: list[Header] = []
        self.headed = self.complete = self.keep_alive = self._interim = False
        self._bodiless = method == b"HEAD"
        self._barren = 0

    @property
    def started(self) -> bool:
        """Whether any byte of it has come."""
        return self.headed or self._barren > 0

    def feed(self, data: bytes) -> bool:
        """Reads on; returns whether the answer is complete.

        Raises Misbehaved; bytes after a complete answer only cost it `keep_alive`.
        """
        headed = self.headed
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if not self.complete:
                raise Misbehaved(f"broken answer: {error.__context__ or error}") from error
            self.keep_alive = False
        self._barren += len(data)
        if self._barren > HEAD_LIMIT and not headed:
            self._weigh_head()
        if not self.complete:
            self._watch(announced=headed)
        elif self._bodiless and self.parts:
            self.keep_alive = False
            self.parts.clear()
        return self.complete

    def end(self) -> bool:
        """No more bytes will come: that completes content without a length (RFC 9112, section 6.3)."""
        if self.headed and not any(name in DELIMITED for name, _ in self.headers):
            self.complete = True
        return self.complete

    def take(self) -> bytes:
        """What content has arrived since the last time."""
        parts = self.parts
        content = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return content

    def on_message_begin(self) -> None:
        if self.complete:
            raise Misbehaved("bytes after the end of an answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.headed:  # trailers are not forwarded
            self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            if status not in SKIPPED:
                raise Misbehaved(f"status {status} was not asked for")
            self._interim = True
            return
        self.status = status
        self.headed = True
        if self._bodiless:
            self.complete = True
            # Without Content-Length what follows the head can't be told from the next answer.
            sized = any(name == b"content-length" for name, _ in self.headers)
            self.keep_alive = sized and self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            self.headers = []
        elif not self.complete:
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()

    def _weigh_head(self) -> None:
        """Content may have come with the head, so once there is a head its fields are what counts."""
        if not self.headed or sum(len(name) + len(value) for name, value in self.headers) > HEAD_LIMIT:
            raise Misbehaved(f"a head of more than {HEAD_LIMIT} bytes")

    def _watch(self, *, announced: bool) -> None:
        if self.headed and not announced:
            self._check_framing()
        if self.parts:
            self._barren = 0
        elif self._barren > HEAD_LIMIT:
            raise Misbehaved(f"more than {HEAD_LIMIT} bytes that bring no content")

    def _check_framing(self) -> None:
        """Refuses codings other than chunked: llhttp would read until close, and hand on encoded content."""
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            raise Misbehaved("a transfer coding other than chunked")
