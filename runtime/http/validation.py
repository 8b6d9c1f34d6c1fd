"""Data from outside -> typed values, or every fault at once.

msgspec stops at the first fault; people who write a manifest, a setting or a request want them all. Where it finds one,
a value is walked along its type, and each leaf is converted by msgspec. The walk ends at the first fault that is not
told any more, and does not enter a list of a wrong length: strangers decide how many there are. A type with a
`parse(text)` classmethod is read by it.
"""

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields

T = TypeVar("T")
Path = tuple[str | int, ...]

MOST_FAULTS = 50  # that are told: who wrote the value mends these first, and what is told costs as much as it is long
_LONGEST_DETAIL = 300  # characters


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
    """What is wrong with a value: the first 50 of its `faults`, and whether there are `more`."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        first = list(islice(faults, MOST_FAULTS + 1))
        self.faults = first[:MOST_FAULTS]
        self.more = len(first) > MOST_FAULTS
        super().__init__(
            "; ".join([*(f"{fault.key or 'value'}: {fault.detail}" for fault in self.faults), *self.ending])
        )

    @property
    def ending(self) -> list[str]:
        """What a list of the faults ends with."""
        return ["and more"] if self.more else []


def convert(value: object, type_: type[T], *, strict: bool = True) -> T:
    """`value` (what JSON, TOML or an environment gave) as a `type_`. Not strict: text is read as numbers and booleans.

    Raises Invalid with every fault.
    """
    try:
        return msgspec.convert(value, type_, strict=strict, dec_hook=parse_text)
    except msgspec.ValidationError:
        refused = Invalid(_faults(value, type_, (), strict=strict))
        if not refused.faults:
            raise
    raise refused


def parse_text(type_: type, value: object) -> object:
    """The hook of msgspec for types that it does not know: those with a `parse` classmethod."""
    if not hasattr(type_, "parse"):
        raise NotImplementedError(f"{type_} is neither known to msgspec nor has it a parse classmethod")
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")  # noqa: TRY004  msgspec turns ValueError into a fault
    return type_.parse(value)


def _faults(value: object, type_: Any, path: Path, *, strict: bool) -> Iterator[Fault]:  # noqa: ANN401  any annotation
    present = _without_none(_plain(type_))
    sound = True
    if not _of_wrong_length(value, (*_metas(type_), *_metas(present))):
        for fault in _inner_faults(value, _plain(present), path, strict=strict):
            sound = False
            yield fault
    if sound:
        yield from _own_fault(value, type_, path, strict=strict)


def _of_wrong_length(value: object, metas: Iterable[msgspec.Meta]) -> bool:
    """Whether a list or an object has more or fewer members than they let it have."""
    if not isinstance(value, (list, dict)):
        return False
    bounds = [(meta.min_length or 0, meta.max_length) for meta in metas]
    return any(len(value) < least or (most is not None and len(value) > most) for least, most in bounds)


def _inner_faults(value: object, type_: Any, path: Path, *, strict: bool) -> Iterator[Fault]:  # noqa: ANN401  any annotation
    if isinstance(value, dict) and isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        yield from _struct_faults(value, type_, path, strict=strict)
    elif isinstance(value, list) and get_origin(type_) in (list, tuple, set, frozenset):
        for index, (item, item_type) in enumerate(zip(value, _item_types(type_, len(value)), strict=False)):
            yield from _faults(item, item_type, (*path, index), strict=strict)
    elif isinstance(value, dict) and get_origin(type_) is dict:
        key_type, item_type = get_args(type_)
        for key, item in value.items():
            if key_type is not str:
                yield from _own_fault(key, key_type, (*path, key), strict=strict)
            yield from _faults(item, item_type, (*path, key), strict=strict)


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
        said = _none_of(value, choices) if choices else str(error).split(" - at `$")[0]
        yield Fault(path, said[:_LONGEST_DETAIL])


def _unknown(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only needed when something is misspelt

    words = list(known)
    near = get_close_matches(name, words, n=1) or get_close_matches(name.lower(), words, n=1)
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


def _metas(type_: Any) -> list[msgspec.Meta]:  # noqa: ANN401  any annotation
    said = get_args(type_)[1:] if get_origin(type_) is Annotated else ()
    return [meta for meta in said if isinstance(meta, msgspec.Meta)]


def _plain(type_: Any) -> Any:  # noqa: ANN401  any annotation
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_


def _without_none(type_: Any) -> Any:  # noqa: ANN401  any annotation
    if get_origin(type_) in (Union, types.UnionType):
        rest = [
            arg
            for arg in get_args(type_)
            if arg not in (type(None), msgspec.UnsetType) and get_origin(arg) is not Literal
        ]
        return rest[0] if len(rest) == 1 else type_
    return type_
