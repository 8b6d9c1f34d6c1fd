"""RFC 9457 problem details: the one error that leaves this house.

In: a kind of problem, what happened this time, and what the client needs to go on. Out: status, headers and a
JSON body. It knows no server and no framework; each edge turns a Problem into a response in one `except`.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import msgspec

MEDIA_TYPE = b"application/problem+json"

Header = tuple[bytes, bytes]


class Kind(msgspec.Struct, frozen=True):
    """What a problem is every time it happens; `explanation` is what `/problems/<slug>` answers."""

    slug: str
    status: int
    title: str
    explanation: str


class Problem(Exception):
    """One occurrence of a kind of problem.

    `detail` is for the client's eyes: nothing of the inside belongs in it. `retry_after` is in seconds and leaves as
    a whole number of them, never earlier. `members` become extension members of the body (RFC 9457, section 3.2).
    """

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        *,
        headers: Sequence[Header] = (),
        retry_after: float | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{kind.slug}: {detail}")
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
        self.members = members or {}
        self.headers = (*headers, *_retry_after(retry_after))

    def body(self, instance: str, request_id: str) -> bytes:
        """The JSON body; `instance` is the path that was asked for."""
        fields = {
            "type": f"/problems/{self.kind.slug}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail or self.kind.explanation,
            "instance": instance,
            "request_id": request_id,
        }
        return msgspec.json.encode({**fields, **self.members})


def _retry_after(seconds: float | None) -> tuple[Header, ...]:
    return () if seconds is None else ((b"retry-after", b"%d" % max(1, ceil(seconds))),)


MALFORMED = Kind("malformed-request", 400, "Malformed request", "The request breaks HTTP or JSON syntax.")
KEY_REFUSED = Kind(
    "idempotency-key-refused",
    400,
    "Idempotency-Key refused",
    "This route does not honour Idempotency-Key; send the request without one.",
)
KEY_MISSING = Kind(
    "idempotency-key-missing",
    400,
    "Idempotency-Key missing",
    "This route makes something that must not be made twice: send an Idempotency-Key of your own choice.",
)
IN_FLIGHT = Kind(
    "idempotency-in-flight",
    409,
    "Still in flight",
    "An earlier request with this key was not done in time; repeat it with the same key to learn its answer.",
)
MISMATCH = Kind(
    "idempotency-mismatch",
    422,
    "Key used before",
    "This key came with another body before; a new request needs a new key.",
)
UNAUTHENTICATED = Kind("unauthenticated", 401, "Unauthenticated", "A valid bearer token is needed.")
FORBIDDEN = Kind("forbidden", 403, "Forbidden", "The token is valid, but does not allow this.")
PREFLIGHT_REFUSED = Kind(
    "preflight-refused", 403, "Preflight refused", "Pages of this origin may not call this route, or not like that."
)
NO_SUCH_ROUTE = Kind("no-such-route", 404, "No such route", "Nothing is served at this path.")
NOT_FOUND = Kind("not-found", 404, "Not found", "The route exists, but there is no such thing, or not for you.")
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "Method not allowed", "The path is served, with the methods that Allow names."
)
PRECONDITION_FAILED = Kind(
    "precondition-failed",
    412,
    "Precondition failed",
    "It is in another state than the request is for; read it again, past caches, and decide.",
)
BODY_TOO_LARGE = Kind("body-too-large", 413, "Body too large", "The body is larger than this route takes.")
URI_TOO_LONG = Kind("uri-too-long", 414, "URI too long", "The request target is longer than is taken here.")
UNSUPPORTED_MEDIA_TYPE = Kind(
    "unsupported-media-type", 415, "Unsupported media type", "Send the body as application/json in UTF-8."
)
EXPECTATION_FAILED = Kind(
    "expectation-failed", 417, "Expectation failed", "Nothing but 100-continue can be expected here."
)
INVALID = Kind("invalid-request", 422, "Invalid request", "The request is well formed, but its members are not valid.")
QUOTA_EXCEEDED = Kind(
    "quota-exceeded", 429, "Quota exceeded", "The limit is used up; Retry-After says when to come back."
)
PRECONDITION_REQUIRED = Kind(
    "precondition-required", 428, "Precondition required", "Say with If-Match which state of it you change."
)
HEADERS_TOO_LARGE = Kind(
    "headers-too-large", 431, "Headers too large", "The request's headers are larger than is taken here."
)
INTERNAL = Kind("internal-error", 500, "Internal error", "Our fault. The request id finds it in our logs.")
UNREACHABLE = Kind("upstream-unreachable", 502, "Upstream unreachable", "No answer could be had from the function.")
MISBEHAVED = Kind("upstream-misbehaved", 502, "Upstream misbehaved", "The function's answer was broken.")
CIRCUIT_OPEN = Kind("circuit-open", 503, "Circuit open", "The function keeps failing and is given time to recover.")
OVERLOADED = Kind("overloaded", 503, "Overloaded", "More is in flight than can be served; come back a little later.")
DRAINING = Kind("draining", 503, "Draining", "This instance is stopping; another one will answer.")
KEYS_UNAVAILABLE = Kind(
    "keys-unavailable",
    503,
    "Keys unavailable",
    "The keys that tokens are checked with cannot be had at the moment.",
)
DEPENDENCY_UNAVAILABLE = Kind(
    "dependency-unavailable",
    503,
    "Dependency unavailable",
    "Something that the function needs cannot be reached.",
)
LOOP_DETECTED = Kind(
    "loop-detected",
    508,
    "Loop detected",
    "The request has been here before: the service that it was passed on to leads back.",
)
NOT_STORED = Kind(
    "not-stored", 504, "Not stored", "The request wants only what is stored (only-if-cached), and that isn't there."
)
DEADLINE_EXCEEDED = Kind("deadline-exceeded", 504, "Deadline exceeded", "The time that the route allows is up.")

KINDS = tuple(value for value in list(globals().values()) if isinstance(value, Kind))
