"""What flows through the pipeline: one Exchange down, one Response up.

An Exchange holds the request as it came, byte for byte, and the typed facts that stages learn on the way. A Response
holds a head and either its whole content or a stream that is read to its end or closed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from functions.gateway.routes import Route
    from runtime.identity.verifier import Principal
    from runtime.serving.deadline import Deadline

Header = tuple[bytes, bytes]
Receive = Callable[[], Awaitable[bytes]]


@dataclass(slots=True)
class Exchange:
    """One request and what is known of it.

    `target` is the request target as the client wrote it (raw path and query), on a cached route as it counts there.
    `read` returns the next part of the body and b"" at its end; `length` is the declared Content-Length, None when
    chunked, 0 without a body.
    """

    route: "Route"
    method: bytes
    target: bytes
    headers: list[Header]  # lower-case names, in the order they came
    read: Receive
    length: int | None
    client: str  # the address of who is asking, from trusted hops only
    scheme: bytes = b"http"  # by which it was asked, from trusted hops only
    body: bytes | None = None  # the whole body, once a stage has read it
    request_id: str = ""
    added: list[Header] = field(default_factory=list)  # what the gateway says to the function, beside `headers`
    told: list[Header] = field(default_factory=list)  # what its answer says in any case, also when it is a refusal
    principal: "Principal | None" = None
    keyed: bool = False  # whether it came with an API key, whose session the principal's is then
    permitted: bool = False  # whether a permit was taken from every limit of the route
    deadline: "Deadline | None" = None
    tried: list[str] = field(default_factory=list)  # addresses of instances that this request has been sent to
    instance: str = ""  # the address that balancing chose for this attempt, "host:port"
    below: float = 0.0  # seconds spent in the stages below, where a request is timed stage by stage

    @property
    def whole(self) -> bool:
        """Whether the request could be sent again as it is."""
        return self.length == 0 or self.body is not None

    @property
    def overdue(self) -> bool:
        """Whether its deadline has passed: who is cancelled now is cancelled for that."""
        return self.deadline is not None and self.deadline.over


class Stream(Protocol):
    """The rest of a body that has not arrived yet."""

    @property
    def ended(self) -> bool:
        """Whether it is known already that nothing comes after what was read."""

    async def read(self) -> bytes:
        """The next part, as soon as it is there; b"" at the end. Raises ForwardError when the peer breaks it off.

        Who stops waiting may ask again: nothing is lost by that.
        """

    def close(self) -> None:
        """Ends it, whether or not it was read to the end; harmless when called again."""


@dataclass(slots=True)
class Response:
    """An answer on its way up. `content` is what has arrived already; `stream` is None when that is all."""

    status: int
    headers: list[Header]
    content: bytes = b""
    stream: Stream | None = None
    at_end: list[Callable[[], None]] = field(
        default_factory=list
    )  # called once, when the last byte left or nobody waits

    def finish(self) -> None:
        """Closes the stream and releases whatever stages held for the length of the body."""
        if self.stream is not None:
            self.stream.close()
        while self.at_end:
            self.at_end.pop()()


Handler = Callable[[Exchange], Awaitable[Response]]
Stage = Callable[[Handler], Handler]
