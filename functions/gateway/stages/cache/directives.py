"""What Cache-Control says (RFC 9111, section 5.2), to a shared cache.

In: heads. Out: frozen structs. Names are taken in any case, values as tokens or quoted; of a directive that is there
twice the first counts (section 4.2.1), and a number that is none makes an answer stale and a request ask.
"""

from collections.abc import Sequence

import msgspec

from functions.gateway.exchange import Header
from functions.gateway.stages.cache import structured
from functions.gateway.stages.cache.fields import FOREVER, delta, line, members

_Given = dict[bytes, bytes | None]  # a directive's name and value


class Asking(msgspec.Struct, frozen=True):
    """A request's directives (section 5.2.1); numbers are seconds."""

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    min_fresh: float = 0.0
    max_stale: float = 0.0
    stale_if_error: float = 0.0  # RFC 5861, section 4

    @property
    def demanding(self) -> bool:
        """Whether not every fresh answer will do."""
        return self.no_cache or self.max_age is not None or self.min_fresh > 0


class Answering(msgspec.Struct, frozen=True):
    """An answer's directives (section 5.2.2); numbers are seconds, fields are names in lower case."""

    public: bool = False
    private: bool = False
    no_cache: bool = False
    no_store: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    immutable: bool = False  # RFC 8246
    max_age: float | None = None
    s_maxage: float | None = None
    stale_while_revalidate: float = 0.0  # RFC 5861, section 3
    stale_if_error: float = 0.0  # RFC 5861, section 4
    withheld: tuple[bytes, ...] = ()  # fields that `private` or `no-cache` name: the rest may be stored
    targeted: bool = False  # said in CDN-Cache-Control, so Expires means nothing (RFC 9213, section 2.2)


_BROKEN = b" "  # a value that is neither a number nor a name
_NAMING = (b"private", b"no-cache")  # directives that may name fields
_NOTHING = Asking()
_UNSAID = Answering()


def asking(control: bytes | None, pragma: bytes | None) -> Asking | None:
    """What a request's Cache-Control says, or else its Pragma (section 5.4); None when that is nothing."""
    given = _given(control or b"")
    if control is None and pragma is not None:
        given = {b"no-cache": None} if b"no-cache" in _given(pragma) else {}
    said = Asking(
        no_cache=b"no-cache" in given,
        no_store=b"no-store" in given,
        only_if_cached=b"only-if-cached" in given,
        max_age=_seconds(given, b"max-age", 0.0) if b"max-age" in given else None,
        min_fresh=_seconds(given, b"min-fresh", FOREVER),
        max_stale=_max_stale(given),
        stale_if_error=_seconds(given, b"stale-if-error", 0.0),
    )
    return None if said == _NOTHING else said


def answering(headers: Sequence[Header]) -> Answering:
    """What an answer says: CDN-Cache-Control where it can be read and says anything (RFC 9213), or Cache-Control."""
    if targeted := line(headers, b"cdn-cache-control"):
        read = structured.dictionary(targeted)
        if read:
            said = {name: _plain(name, value) for name, value in read.items() if value is not False}
            return _answering(said, targeted=True)
    control = line(headers, b"cache-control")
    return _UNSAID if control is None else _answering(_given(control), targeted=False)


def _answering(given: _Given, *, targeted: bool) -> Answering:
    private, no_cache = _fields(given, b"private"), _fields(given, b"no-cache")
    return Answering(
        public=b"public" in given,
        private=private == (),
        no_cache=no_cache == (),
        no_store=b"no-store" in given,
        must_revalidate=b"must-revalidate" in given,
        proxy_revalidate=b"proxy-revalidate" in given,
        must_understand=b"must-understand" in given,
        immutable=b"immutable" in given,
        max_age=_seconds(given, b"max-age", 0.0) if b"max-age" in given else None,
        s_maxage=_seconds(given, b"s-maxage", 0.0) if b"s-maxage" in given else None,
        stale_while_revalidate=_seconds(given, b"stale-while-revalidate", 0.0),
        stale_if_error=_seconds(given, b"stale-if-error", 0.0),
        withheld=(private or ()) + (no_cache or ()),
        targeted=targeted,
    )


def _given(control: bytes) -> _Given:
    """Each directive and its value, unquoted. A space round `=` is none of the grammar, and breaks the value."""
    given: _Given = {}
    for member in members(control):
        name, equals, value = member.partition(b"=")
        key = name.rstrip(b" \t").lower()
        said = (_BROKEN if key != name.lower() else _unquoted(value)) if equals else None
        given[key] = _both(key, given[key], said) if key in given else said
    return given


def _both(name: bytes, former: bytes | None, latter: bytes | None) -> bytes | None:
    """What a directive that is there twice says: of numbers the first, of names of fields all."""
    if name not in _NAMING:
        return former
    return None if former is None or latter is None else former + b"," + latter


def _unquoted(value: bytes) -> bytes:
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        return value[1:-1].replace(b"\\", b"")
    return value


def _plain(name: bytes, value: structured.Bare) -> bytes | None:
    """A structured value as the same directive of Cache-Control has it; broken when it is of another type."""
    if value is True:
        return None
    if isinstance(value, str) and name in _NAMING:
        return value.encode()
    return b"%d" % value if isinstance(value, int) else _BROKEN


def _seconds(given: _Given, name: bytes, broken: float) -> float:
    """How many seconds `name` says: 0 when it is not there, `broken` when it says no number."""
    if name not in given:
        return 0.0
    value = delta(given[name] or _BROKEN)
    return broken if value is None else value


def _max_stale(given: _Given) -> float:
    """Without a value any staleness will do (section 5.2.1.2)."""
    return FOREVER if given.get(b"max-stale", b"") is None else _seconds(given, b"max-stale", 0.0)


def _fields(given: _Given, name: bytes) -> tuple[bytes, ...] | None:
    """The fields that `name` is about: () for the whole answer, None when it is not said."""
    if name not in given:
        return None
    return tuple(field.lower() for field in members(given[name] or b""))
