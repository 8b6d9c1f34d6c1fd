"""One answer after another, read from bytes by llhttp: status, fields, content, and where it ends.

In: bytes as they arrive, and the end of them. Out: attributes that fill up. It holds no socket and never waits.
llhttp alone decides where a message ends; what it is lenient about and RFC 9112 is not, is refused here.

What an answer is taken for depends on its bytes alone, and never on how they were cut on their way. Whatever llhttp
does not tell is therefore looked at where a piece ends that is cut here, at places that the answer itself decides. The
usual answer comes at once, is no interim one and ends with its content: none of these places is within it.
"""

import re
from typing import TYPE_CHECKING, Protocol

from httptools import HttpParserError, HttpResponseParser

from functions.gateway.stages.forward.errors import Misbehaved
from runtime.http.sizes import READ_HEAD

if TYPE_CHECKING:
    from functions.gateway.exchange import Header

# Bytes of an answer beside its content and the usual framing of that: heads, extensions of chunks, trailers.
HEAD_LIMIT = READ_HEAD

_FINAL = tuple(b"HTTP/1.1 %d" % hundreds for hundreds in (2, 3, 4, 5))  # all others cost more
_OLD = b"HTTP/1.0 "
_OPENING = re.compile(rb"HTTP/1\.[01] [1-5]")  # in which a status line is like every other that may be
_OPENED = 10  # bytes of it
_LINE_ENDS = b"\r\n"
_FRAME = 12  # bytes that a chunk may take for its framing: eight digits and two line ends
_SWITCHING = 101
_EMPTY = frozenset({100, 102, 103})  # interim answers of which llhttp knows that these have no content
_DELIMITED = frozenset({b"content-length", b"transfer-encoding"})
_WITHOUT_CONTENT = frozenset({204, 304})
_TELLING = _DELIMITED | {b"connection"}  # of what follows an answer
_LONGEST = 2**63 - 1  # bytes of content: to nginx more is no length at all, and what is cut is whole then


class Parser(Protocol):
    """What is used of httptools, which ships no types."""

    def feed_data(self, data: bytes | memoryview) -> None: ...
    def get_status_code(self) -> int: ...
    def get_http_version(self) -> str: ...
    def should_keep_alive(self) -> bool: ...


class Answer:
    """The answer that is being read; `on_` methods are llhttp's callbacks.

    `headed`: status and headers are there. `complete`: so is all content. `keep_alive`: complete, and the connection
    may serve another request. `parts`: content that nobody has taken yet.
    """

    __slots__ = (
        "_bodiless",
        "_chunks",
        "_content",
        "_doubtful",
        "_fed",
        "_final",
        "_opening",
        "_parser",
        "_plain",
        "_trailers",
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
        self.headed = self.complete = self.keep_alive = False
        self._bodiless = method == b"HEAD"
        self._plain: bool | None = None  # whether all that comes is content; it isn't in chunks
        self._doubtful = False  # whether to believe that another answer may follow takes a look at its fields
        self._fed = self._chunks = 0

    @property
    def started(self) -> bool:
        """Whether any byte of it has come."""
        return self._fed > 0

    def feed(self, data: bytes) -> bool:
        """Reads on; returns whether the answer is complete.

        Raises Misbehaved; bytes after a complete answer only cost it `keep_alive`.
        """
        if self._fed or len(data) > HEAD_LIMIT or not data.startswith(_FINAL):
            self._read_further(data)
            return self.complete
        self._fed = len(data)
        if data[-1] in _LINE_ENDS:
            self._read_to_the_line_end(data)
        else:
            self._read(data)
        if not self.complete:
            self._final, self._content = True, sum(map(len, self.parts))
        return self.complete

    def end(self) -> bool:
        """No more bytes will come: that completes content without a length (RFC 9112, section 6.3)."""
        if self.headed and not any(name in _DELIMITED for name, _ in self.headers):
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
        if not self.headed:
            self.headers.append((name.lower(), value.rstrip()))  # llhttp takes no white space but space and tab
            return
        self._trailers += len(name) + len(value)  # which are not forwarded
        if self._trailers > HEAD_LIMIT:
            raise Misbehaved(f"more than {HEAD_LIMIT} bytes of trailers")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or status > 599:
            self._pass_over(status)
            return
        self.status = status
        self.headed = True
        if status in _WITHOUT_CONTENT:
            self._doubtful = True
        if self._bodiless:
            self._judge_framing()
            self.complete = True
            # Without Content-Length what follows the head can't be told from the next answer.
            sized = any(name == b"content-length" for name, _ in self.headers)
            self.keep_alive = sized and self._persists()

    def on_chunk_header(self) -> None:
        if self._plain is None:
            self._judge_framing()
        self._chunks += 1

    def on_message_complete(self) -> None:
        if not self.headed:  # it was an interim one
            self.headers = []
            self._opening = b""
        elif not self.complete:
            self.complete = True
            self.keep_alive = self._persists()

    def _read(self, piece: bytes | memoryview) -> None:
        try:
            self._parser.feed_data(piece)
        except HttpParserError as error:
            if not self.complete:
                raise Misbehaved(f"broken answer: {error.__context__ or error}") from error
            self.keep_alive = False
        if self.complete:
            if self._bodiless and self.parts:
                self.keep_alive = False
                self.parts.clear()
        elif self.headed and not self._plain:
            self._look_at_framing()

    def _read_to_the_line_end(self, data: bytes) -> None:
        """The last line end by itself: llhttp passes over such between answers, and one too many is to be seen."""
        self._read(data[:-1])
        if self.complete:
            self.keep_alive = False
        else:
            self._read(data[-1:])

    def _read_further(self, data: bytes) -> None:
        if self._plain and not self.complete and data[-1] not in _LINE_ENDS:
            self._read(data)
            return
        if not self._fed:
            self._final, self._opening, self._content = False, b"", 0
        view, at = memoryview(data), 0
        while at < len(data):
            if self.complete:
                self.keep_alive = False
                return
            end = self._reach(data, at)
            if not self._final:
                self._open(data[at:end])
            self._read_and_weigh(view[at:end])
            at = end

    def _read_and_weigh(self, piece: memoryview) -> None:
        plain, known = self._plain, len(self.parts)
        self._fed += len(piece)
        self._read(piece)
        if plain:
            return
        self._content += sum(map(len, self.parts[known:]))
        if self._overhead() > HEAD_LIMIT:
            self.complete = False
            raise Misbehaved(f"more than {HEAD_LIMIT} bytes that are no content")

    def _reach(self, data: bytes, at: int) -> int:
        """Where the next piece ends."""
        end = len(data)
        if not self._final:  # with a line, as another status line may come after it
            end = data.find(b"\n", at) + 1 or end
        if not self._plain:  # before there is more than may be
            end = min(end, at + max(1, HEAD_LIMIT - self._overhead()))
        if end == len(data) > at + 1 and data[-1] in _LINE_ENDS:
            end -= 1  # as `_read_to_the_line_end` does
        return end

    def _overhead(self) -> int:
        return self._fed - self._content - _FRAME * self._chunks

    def _open(self, piece: bytes) -> None:
        """Refuses whatever is no status line of HTTP/1.0 or 1.1, as soon as it shows: llhttp takes others, too."""
        opening = self._opening = (self._opening + piece)[:_OPENED]
        if len(opening) == _OPENED and not _OPENING.match(opening):
            raise Misbehaved("not an answer of HTTP/1.0 or 1.1")
        self._doubtful = opening.startswith(_OLD)
        self._final = len(opening) == _OPENED and opening[-1:] != b"1"

    def _pass_over(self, status: int) -> None:
        """An interim answer has no content (RFC 9110, section 15.2), and says nothing of the one that comes."""
        if not 100 <= status <= 199:
            raise Misbehaved(f"{status} is no status")
        if status == _SWITCHING:
            raise Misbehaved("protocols were not to be switched")
        if status not in _EMPTY and any(name in _DELIMITED for name, _ in self.headers):
            raise Misbehaved(f"an interim answer ({status}) that frames content")

    def _persists(self) -> bool:
        return self._parser.should_keep_alive() and not (self._doubtful and self._may_be_more())

    def _may_be_more(self) -> bool:
        """Whether the connection closes, or content may come that was announced where none can be.

        Close counts before keep-alive (RFC 9112, section 9.3), which llhttp does not know of HTTP/1.0.
        """
        said = [header for header in self.headers if header[0] in _TELLING]
        return any(
            b"close" in value.lower()
            if name == b"connection"
            else name == b"transfer-encoding" or (self.status == 204 and value.strip(b"0") != b"")
            for name, value in said
        )

    def _look_at_framing(self) -> None:
        if self._plain is None:
            self._judge_framing()
        if self.parts and not self._plain and not self._chunks:  # with a tab behind it `chunked` is none to llhttp
            raise self._misframed("content of no chunk")

    def _judge_framing(self) -> None:
        """Refuses what llhttp reads in another way than others: every coding but `chunked`, once, of HTTP/1.1."""
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
            raise self._misframed("a transfer coding other than chunked")
        lengths = [value.lstrip(b"0") or b"0" for name, value in self.headers if name == b"content-length"]
        if lengths and int(lengths[0]) > _LONGEST:
            raise self._misframed("more content than any answer can have")
        if codings and self._parser.get_http_version() == "1.0":
            raise self._misframed("a transfer coding in HTTP/1.0")
        self._plain, self._trailers = not codings, 0

    def _misframed(self, why: str) -> Misbehaved:
        """Whatever was taken for content is none."""
        self.parts.clear()
        return Misbehaved(why)
