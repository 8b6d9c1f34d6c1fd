"""function.toml -> frozen structs, every error at once, each with file, line and key.

The manifest declares a function to everyone: the gateway reads routes and policies, the server and the packager read
the application. What a route leaves out, the function's defaults fill in, then the gateway's.
"""

import re
import tomllib
from collections.abc import Iterator
from errno import EINVAL
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec

from runtime.http.url import Origin, Url
from runtime.http.validation import Fault, Invalid, convert
from runtime.units import Duration, Rule, Size
from runtime.visible import visible

FILE = "function.toml"

_SEGMENT = r"/(?:[A-Za-z0-9._~-]+|\{[a-z_]+\})"
_REST = r"/\{[a-z_]+\.\.\.\}"
# Beside the usual ones what WebDAV (RFC 4918, RFC 3253), its SEARCH (RFC 5323) and UPnP's discovery ask with.
_METHOD = "GET|POST|PUT|PATCH|DELETE|COPY|LOCK|M-SEARCH|MKCOL|MOVE|PROPFIND|PROPPATCH|REPORT|SEARCH|UNLOCK"
_MATCH = rf"({_METHOD}) (?:/|(?:{_SEGMENT})+(?:{_REST})?)"
_AT_LINE = re.compile(r"\(at line (\d+),")  # how tomllib says where it stopped

KeyPath = tuple[str | int, ...]
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
    retries: Annotated[int, msgspec.Meta(ge=0)] | None = None  # further instances that may be tried
    body: Size | None = None  # the largest request body
    failures: tuple[Literal[500, 502, 503, 504], ...] | None = None  # answers that mean that an instance is broken
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
    """When an instance is given time to recover. What is None, the gateway decides."""

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


class Source:
    """Where a manifest was read: what finds the line of a key, once something is wrong with it."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self._text = text

    def at(self, path: KeyPath) -> str:
        """The place of a key, or of the table where it should be, as an editor opens it."""
        from runtime.toml_lines import nearest  # noqa: PLC0415  a manifest without a fault has no need of it

        return f"{self.file}:{nearest(self._lines, path)}"

    def told(self, path: KeyPath, said: str) -> str:
        """A fault as a line."""
        return f"{self.at(path)}: {Fault(path, said).key}: {said}"

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        from runtime.toml_lines import lines  # noqa: PLC0415  see above

        return lines(self._text)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One function, as its function.toml declares it: an app that is run here, or an upstream that isn't."""

    source: ClassVar[Source | None] = None  # of each that was read from a file

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
        text = ""
        try:
            text = content(file).decode()
            given = tomllib.loads(text)
        except OSError as error:
            raise ManifestError([f"{file}: cannot be read: {error.strerror}"]) from None
        except (ValueError, RecursionError) as error:  # also a number with too many digits, also brackets without end
            raise ManifestError([f"{file}{_line(error, text)}: is not TOML: {error}"]) from None
        return cls._converted(given, Source(file, text))

    @classmethod
    def _converted(cls, given: dict[str, Any], source: Source) -> Self:
        try:
            manifest = convert(given, cls)
        except Invalid as invalid:
            told = [source.told(fault.path, _plainly(fault)) for fault in invalid.faults]
            raise ManifestError([*told, *(f"{source.file}: {line}" for line in invalid.ending)]) from None
        if (manifest.app is None) == (manifest.upstream is None):
            said = "is required, or upstream where the service is run by others; not both"
            raise ManifestError([source.told(("app",), said)])
        msgspec.structs.force_setattr(manifest, "source", source)
        return manifest

    def told(self, path: KeyPath, said: str) -> str:
        """A fault of it as a line: where it was read, or only whose it is. `said` may begin with the key."""
        if self.source is None:
            return f"{self.name}: {said}"
        return self.source.told(path, said.removeprefix(Fault(path, said).key).lstrip(": "))

    def at(self, path: KeyPath) -> str:
        """Where a key is, in parentheses, to point to from elsewhere; "" where it was not read from a file."""
        return f" ({self.source.at(path)})" if self.source else ""


class ManifestError(SystemExit):
    """Everything that is wrong with manifests, a line each; ends a process that does not catch it.

    Keys and folders' names are whoever's who wrote them, so they are written out.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = [visible(line) for line in lines]
        super().__init__("\n".join(self.lines))


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


def content(file: Path) -> bytes:
    """What a manifest holds. Raises OSError, also for what is no file: a pipe would be waited for."""
    if file.exists() and not file.is_file():
        raise OSError(EINVAL, "it is no file")
    return file.read_bytes()


def _is_elsewhere(file: Path) -> bool:
    try:
        return "upstream" in tomllib.loads(content(file).decode())
    except (OSError, ValueError, RecursionError):
        return False


def _line(error: Exception, text: str) -> str:
    """A colon and the line where reading a text stopped; "" where that is not told."""
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start]
        return f":{before.count(10) + 1}"
    if "(at end of document)" in str(error):
        return f":{text.count(chr(10)) + 1}"
    found = _AT_LINE.search(str(error))
    return f":{found[1]}" if found else ""


def _plainly(fault: Fault) -> str:
    if fault.detail == "is not known here":
        places = [table for table, type_ in _TABLES.items() if fault.path[-1] in type_.__struct_fields__]
        return f"{fault.detail}; it belongs in {places[0]}" if places else fault.detail
    said = next((_RIGHT[step] for step in reversed(fault.path) if step in _RIGHT), fault.detail)
    return said if "matching regex" in fault.detail else fault.detail


_TABLES: dict[str, type[msgspec.Struct]] = {
    "[defaults] or a [[route]]": Policy,
    "a [[route]]": Route,
    "[circuit]": Circuit,
    "[concurrency]": Concurrency,
    "[app]": App,
    "[upstream]": Upstream,
    "[api_keys]": ApiKeys,
    "the file's first lines, above every [table]": Manifest,
}
