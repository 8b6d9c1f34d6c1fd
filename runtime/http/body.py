"""A request's body -> a typed value: strictly JSON in UTF-8, each member once, and no deeper than anybody means.

In: bytes that a stranger wrote. Out: a value, Problem malformed-request, or Invalid. Whatever is asked, time and answer
grow at most as the body does: what recurses begins below a depth that is measured first, without recursion.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from json import JSONDecoder
from sys import float_info
from typing import Any, NoReturn, TypeVar

import msgspec

from runtime.http.problem import MALFORMED, Problem
from runtime.http.validation import Fault, Invalid, Path, convert, parse_text

T = TypeVar("T")

DEEPEST = 64  # lists and objects in one another

_EXACT = 2**53  # below it a float is one integer only
_LARGEST = float_info.max
_NOT_JSON = (msgspec.DecodeError, ValueError, RecursionError)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# A string that doesn't end takes all that follows, so that no byte is looked at twice.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def decode(body: bytes, type_: type[T]) -> T:
    """A JSON document as a `type_`. Raises Problem malformed-request for what is not JSON or too deep, and Invalid.

    A member that comes more than once is a fault: nobody can rely on what it means (RFC 8259, section 4).
    """
    if _too_deep(body):
        raise Problem(MALFORMED, f"The body is nested more than {DEEPEST} deep.")
    try:
        _refuse_repeated(body)
        with suppress(msgspec.ValidationError):
            return msgspec.json.decode(body, type=type_, dec_hook=parse_text)
        value = _ANYTHING.decode(body)
    except _NOT_JSON:
        raise Problem(MALFORMED, "The body is not JSON in UTF-8.") from None
    return convert(value, type_)


def _too_deep(body: bytes) -> bool:
    """Whether lists and objects lie in one another more than `DEEPEST` deep. Free for bodies with few of them."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for bracket in _STRINGS.sub(b"", body).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _number(text: str) -> int | float:
    """Numbers without a fraction are integers, however they are written (JSON Schema 2020-12, Validation, 6.1.1).

    Raises ValueError for one that no float holds. By itself msgspec takes 9 µs for some floats of 5 bytes.
    """
    value = float(text)
    if abs(value) > _LARGEST:
        raise ValueError("Number out of range")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


_ANYTHING = msgspec.json.Decoder(float_hook=_number)


class _Twice(Exception):
    """A member came more than once."""


class _Members(list[tuple[str, Any]]):
    """The members of an object, in the order they came."""


def _refuse_twice(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        raise _Twice


# Numbers stay text: there are integers that Python refuses to convert.
_ONCE = JSONDecoder(object_pairs_hook=_refuse_twice, parse_int=str, parse_float=str)
_PAIRS = JSONDecoder(object_pairs_hook=_Members, parse_int=str, parse_float=str)
_STRICT = msgspec.json.Decoder(msgspec.Raw)  # looks, and converts nothing


def _refuse_repeated(body: bytes) -> None:
    """Raises Invalid with the members that come more than once, and ValueError for some of what is not JSON.

    msgspec takes the last of them without a word. This costs 2 µs for a login, 90 µs for an order of a hundred items.
    """
    text = body.decode()
    try:
        _ONCE.decode(text)
    except _Twice:
        _STRICT.decode(body)  # only now it is seen to be JSON: to its end, without NaN and without halves of characters
        _tell_repeated(_PAIRS.decode(text))


def _tell_repeated(value: object) -> NoReturn:
    raise Invalid(_repeated_in(value, ()))


def _repeated_in(value: object, path: Path) -> Iterator[Fault]:
    if isinstance(value, _Members):
        times = Counter(name for name, _ in value)
        yield from (Fault((*path, name), "comes more than once") for name in times if times[name] > 1)
        for name, member in value:
            yield from _repeated_in(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated_in(item, (*path, index))
