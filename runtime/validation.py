"""Data from outside -> typed values, or every fault at once.

msgspec stops at the first fault; people who write a manifest, a setting or a request want them all. A value is walked
along its type, each leaf is converted by msgspec, and only a tree without faults is built. A type with a `parse(text)`
classmethod is read by it.
"""

import types
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from json import JSONDecoder
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields

from runtime.problem import MALFORMED, Problem

T = TypeVar("T")
Path = tuple[str | int, ...]

_EXACT = 2**53  # below it a float is one integer only
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value at `path`, in one sentence."""

    path: Path
    detail: str

    @property
    def pointer(self) -> str:
        """RFC 6901 JSON Pointer; "" is the whole document."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.path)

    @property
    def key(self) -> str:
        """The path as a person writes it: `route[2].limit`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")


class Invalid(Exception):
    """Everything that is wrong with a value."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.key or 'value'}: {fault.detail}" for fault in faults))
        self.faults = faults


def convert(value: object, type_: type[T], *, strict: bool = True) -> T:
    """`value` (what JSON, TOML or an environment gave) as a `type_`. Not strict: text is read as numbers and booleans.

    Raises Invalid with every fault.
    """
    faults = list(_faults(value, type_, (), strict=strict))
    if faults:
        raise Invalid(faults)
    return msgspec.convert(value, type_, strict=strict, dec_hook=parse_text)


def decode(body: bytes, type_: type[T]) -> T:
    """A JSON document as a `type_`. Raises Problem malformed-request for what is not JSON, Invalid with every fault.

    A member that comes more than once is one: nobody can rely on what it means (RFC 8259, section 4).
    """
    if faults := _repeated(body):
        raise Invalid(faults)
    try:
        with suppress(msgspec.ValidationError):
            return msgspec.json.decode(body, type=type_, dec_hook=parse_text)
        value = _whole(msgspec.json.decode(body))
    except _NOT_JSON:
        raise Problem(MALFORMED, "The body is not JSON in UTF-8.") from None
    return convert(value, type_)


def parse_text(type_: type, value: object) -> object:
    """The hook of msgspec for types that it does not know: those with a `parse` classmethod."""
    if not hasattr(type_, "parse"):
        raise NotImplementedError(f"{type_} is neither known to msgspec nor has it a parse classmethod")
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")  # noqa: TRY004  msgspec turns ValueError into a fault
    return type_.parse(value)


def _whole(value: object) -> object:
    """Numbers without a fraction are integers, however they are written (JSON Schema 2020-12, Validation, 6.1.1)."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    return value


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


def _repeated(body: bytes) -> list[Fault]:
    """The members that come more than once; none of what is not JSON.

    msgspec takes the last of them without a word. This costs 2 µs for a login, 90 µs for an order of a hundred items.
    """
    try:
        _ONCE.decode(body.decode())
    except _Twice:
        return list(_repeated_in(_PAIRS.decode(body.decode()), ()))
    except (ValueError, RecursionError):
        pass  # msgspec says what is wrong
    return []


def _repeated_in(value: object, path: Path) -> Iterator[Fault]:
    if isinstance(value, _Members):
        times = Counter(name for name, _ in value)
        yield from (Fault((*path, name), "comes more than once") for name in times if times[name] > 1)
        for name, member in value:
            yield from _repeated_in(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated_in(item, (*path, index))


def _faults(value: object, type_: Any, path: Path, *, strict: bool) -> Iterator[Fault]:  # noqa: ANN401  any annotation
    inner = list(_inner_faults(value, _without_none(_plain(type_)), path, strict=strict))
    yield from inner or _own_fault(value, type_, path, strict=strict)


def _inner_faults(value: object, type_: Any, path: Path, *, strict: bool) -> Iterator[Fault]:  # noqa: ANN401  any annotation
    if isinstance(value, dict) and isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        yield from _struct_faults(value, type_, path, strict=strict)
    elif isinstance(value, list) and get_origin(type_) in (list, tuple, set, frozenset):
        for index, (item, item_type) in enumerate(zip(value, _item_types(type_, len(value)), strict=False)):
            yield from _faults(item, item_type, (*path, index), strict=strict)
    elif isinstance(value, dict) and get_origin(type_) is dict:
        for key, item in value.items():
            yield from _faults(item, get_args(type_)[1], (*path, key), strict=strict)


def _struct_faults(value: dict[str, Any], type_: type[msgspec.Struct], path: Path, *, strict: bool) -> Iterator[Fault]:
    known = {info.encode_name: info for info in fields(type_)}
    if type_.__struct_config__.forbid_unknown_fields:
        for name in (name for name in value if name not in known):
            yield Fault((*path, name), _unknown(name, known))
    for name, info in known.items():
        if name in value:
            yield from _faults(value[name], info.type, (*path, name), strict=strict)
        elif info.required:
            yield Fault((*path, name), "is required")


def _own_fault(value: object, type_: Any, path: Path, *, strict: bool) -> Iterator[Fault]:  # noqa: ANN401  any annotation
    try:
        msgspec.convert(value, type_, strict=strict, dec_hook=parse_text)
    except msgspec.ValidationError as error:
        choices = list(_choices(type_))
        yield Fault(path, _none_of(value, choices) if choices else str(error).split(" - at `$")[0])


def _unknown(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only needed when something is misspelt

    near = get_close_matches(name, known, n=1)
    return f"is not known here; did you mean `{near[0]}`?" if near else "is not known here"


def _none_of(value: object, choices: list[str]) -> str:
    said = _unknown(value, choices) if isinstance(value, str) else ""
    return f"`{value}` {said}" if "mean" in said else f"is none of {', '.join(f'`{choice}`' for choice in choices)}"


def _choices(type_: Any) -> Iterator[str]:  # noqa: ANN401  any annotation
    """What may be written where nothing but a few words may, else nothing."""
    plain = _plain(type_)
    if get_origin(plain) is Literal:
        yield from map(str, get_args(plain))
    elif get_origin(plain) in (Union, types.UnionType):
        arms = [arm for arm in get_args(plain) if arm not in (type(None), msgspec.UnsetType)]
        if all(get_origin(_plain(arm)) is Literal for arm in arms):
            for arm in arms:
                yield from _choices(arm)


def _item_types(type_: Any, count: int) -> tuple[Any, ...]:  # noqa: ANN401  any annotation
    arguments = get_args(type_)
    return arguments if get_origin(type_) is tuple and arguments[-1:] != (...,) else arguments[:1] * count


def _plain(type_: Any) -> Any:  # noqa: ANN401  any annotation
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_


def _without_none(type_: Any) -> Any:  # noqa: ANN401  any annotation
    if get_origin(type_) in (Union, types.UnionType):
        rest = [
            arg
            for arg in get_args(type_)
            if arg not in (type(None), msgspec.UnsetType) and get_origin(arg) is not Literal
        ]
        return _plain(rest[0]) if len(rest) == 1 else type_
    return type_
