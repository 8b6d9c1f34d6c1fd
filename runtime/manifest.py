"""function.toml -> frozen structs, every error at once, each with file and key.

The manifest declares a function to everyone: the gateway reads routes and policies, the server and the packager read
the application. What a route leaves out, the function's defaults fill in, then the gateway's.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import msgspec

from runtime.units import Duration, Rule, Size
from runtime.url import Origin, Url
from runtime.validation import Fault, Invalid, convert

FILE = "function.toml"

_SEGMENT = r"/(?:[A-Za-z0-9._~-]+|\{[a-z_]+\})"
_REST = r"/\{[a-z_]+\.\.\.\}"
# Beside the usual ones what WebDAV (RFC 4918, RFC 3253), its SEARCH (RFC 5323) and UPnP's discovery ask with.
_METHOD = "GET|POST|PUT|PATCH|DELETE|COPY|LOCK|M-SEARCH|MKCOL|MOVE|PROPFIND|PROPPATCH|REPORT|SEARCH|UNLOCK"
_MATCH = rf"({_METHOD}) (?:/|(?:{_SEGMENT})+(?:{_REST})?)"
HeaderName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]
PolicyName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,30}\Z")]
_RIGHT: dict[str | int, str] = {
    "cors_expose": "write a header's name, as in `ETag`",
    "cors_headers": "write a header's name, as in `X-Tenant`",
    "match": "write a method and a path, as in `GET /things/{id}`",
    "smoke": "write a target that anyone may GET, as in `/things?limit=1`",
    "limits": 'write names of at most 31 lower-case letters, digits and hyphens, as in `{ daily = "1000/1d" }`',
    "prefix": "write lower-case letters and digits, and an underscore at the end, as in `acme_`",
    "name": "write at most 31 lower-case letters, digits and hyphens, as in `users`",
}


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a route asks of the gateway. None: not said here; the next layer of defaults decides."""

    auth: Literal["public", "bearer"] | None = None
    role: str | None = None  # who may call, beyond having a token
    limit: Rule | None = None  # by principal, or by address where the route is public, unless it says by whom
    limits: dict[PolicyName, Rule] | None = None  # further ones, by name: a request takes from all of them, or none
    on_store_failure: Literal["local", "open", "closed"] | None = None  # what limits do while Redis is away
    deadline: Duration | None = None  # to the head of the answer
    retries: Annotated[int, msgspec.Meta(ge=0)] | None = None  # further endpoints that may be tried
    body: Size | None = None  # the largest request body
    failures: tuple[Literal[500, 502, 503, 504], ...] | None = None  # answers that mean that an endpoint is broken
    idempotency: Literal["honoured", "refused"] | None = None  # what becomes of an Idempotency-Key
    cache: Literal["shared"] | None = None  # whether answers are kept for others, as far as they say that they may be
    cache_longest: Duration | None = None  # for which they are fresh, whatever they say
    cache_largest: Size | None = None  # body that is kept
    cache_keep: tuple[str, ...] | None = None  # the only parameters of a query that make a difference
    cache_drop: tuple[str, ...] | None = None  # those that make none
    cache_cookies: Literal["shared", "omit"] | None = None  # whether answers that set one are kept for others, too
    cors: tuple[Origin, ...] | None = None  # whose pages may call it from a browser
    cors_headers: tuple[HeaderName, ...] | None = None  # that they may send
    cors_expose: tuple[HeaderName, ...] | None = None  # headers of answers that they may read
    cors_cookies: Literal["include", "omit"] | None = None  # what becomes of the browser's cookies
    cors_longest: Duration | None = None  # for which a browser may remember that

    def over(self, defaults: "Policy") -> "Policy":
        """This policy, with what it does not say taken from `defaults`."""
        names = Policy.__struct_fields__
        said = {name: value for name in names if (value := getattr(self, name)) is not None}
        return msgspec.structs.replace(defaults, **said)


class Route(Policy, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One route: `match` is a method and a path in which a `{name}` segment matches anything, and a `{name...}` at its
    end everything below.
    """

    match: Annotated[str, msgspec.Meta(pattern=rf"^{_MATCH}\Z")]

    @property
    def method(self) -> str:
        return self.match.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.match.partition(" ")[2]


class App(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the ASGI callable is."""

    module: str
    callable: str = "application"


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a service is that is somebody else's to run."""

    url: Url


class Circuit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When an endpoint is given time to recover. What is None, the gateway decides."""

    consecutive: Annotated[int, msgspec.Meta(ge=1)] | None = None  # failures, or
    ratio: Annotated[float, msgspec.Meta(ge=0.1)] | None = None  # of failures in the last answers
    open: Duration | None = None  # for how long, the first time
    longest: Duration | None = None  # for how long at most


class Concurrency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one gateway has in flight to the function. What is None, the gateway decides."""

    start: Annotated[int, msgspec.Meta(ge=1)] | None = None  # the bound, until something is known
    most: Annotated[int, msgspec.Meta(ge=1)] | None = None  # however fast the function answers
    queue: Annotated[int, msgspec.Meta(ge=0)] | None = None  # requests that may wait for a moment


class ApiKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a function's API keys begin, and which path of it gives gateways an access token for one."""

    prefix: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{0,15}_\Z")]
    swap: Annotated[str, msgspec.Meta(pattern=rf"^(?:{_SEGMENT})+\Z")]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function, as its function.toml declares it: an app that is run here, or an upstream that isn't."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,30}\Z")]
    app: App | None = None
    upstream: Upstream | None = None
    defaults: Policy = Policy()
    circuit: Circuit = Circuit()
    concurrency: Concurrency = Concurrency()
    route: list[Route] = []
    ended_sessions: Annotated[str, msgspec.Meta(pattern=rf"^(?:{_SEGMENT})+\Z")] | None = None  # a path, for gateways
    api_keys: ApiKeys | None = None
    smoke: Annotated[str, msgspec.Meta(pattern=r"^/[!-~]*\Z")] | None = None  # GET that, and a 2xx says that it works
    problems: dict[str, str] = {}  # slug -> what `/problems/<slug>` explains

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest in `folder`. Raises ManifestError with every fault."""
        file = folder / FILE
        try:
            manifest = convert(tomllib.loads(file.read_text(encoding="utf-8")), cls)
        except OSError as error:
            raise ManifestError([f"{file}: cannot be read: {error.strerror}"]) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ManifestError([f"{file}: is not TOML: {error}"]) from None
        except Invalid as invalid:
            told = [f"{fault.key}: {_plainly(fault)}" for fault in invalid.faults]
            raise ManifestError([f"{file}: {line}" for line in (*told, *invalid.ending)]) from None
        if (manifest.app is None) == (manifest.upstream is None):
            raise ManifestError([f"{file}: app: is required, or upstream where the service is run by others; not both"])
        return manifest


class ManifestError(SystemExit):
    """Everything that is wrong with manifests, a line each; ends a process that does not catch it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_all(root: Path) -> list[Manifest]:
    """Every function's manifest below `root`, by name. Raises ManifestError with the faults of all of them."""
    manifests: list[Manifest] = []
    lines: list[str] = []
    for folder in folders(root):
        try:
            manifests.append(Manifest.read(folder))
        except ManifestError as error:
            lines += error.lines
    if lines:
        raise ManifestError(lines)
    return manifests


def run_here(root: Path) -> list[str]:
    """The names of the folders below `root` whose function has an app, also where the rest of it is faulty."""
    return [folder.name for folder in folders(root) if not _is_elsewhere(folder / FILE)]


def folders(root: Path) -> Iterator[Path]:
    """The folders below `root` that hold a function, by name."""
    yield from sorted(file.parent for file in root.glob(f"*/{FILE}"))


def _is_elsewhere(file: Path) -> bool:
    try:
        return "upstream" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False


def _plainly(fault: Fault) -> str:
    said = next((_RIGHT[step] for step in reversed(fault.path) if step in _RIGHT), fault.detail)
    return said if "matching regex" in fault.detail else fault.detail
