"""The environment -> one frozen struct per function, every error at once.

A field `redis_url` is read from `REDIS_URL`, or from the file that `REDIS_URL_FILE` names: so a secret stays out of the
environment, where every child process and crash report would see it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import FieldInfo, fields

from runtime.http.validation import Fault, Invalid, convert

S = TypeVar("S", bound=msgspec.Struct)


class Secret(str):
    """Text that must not be seen in a log or a traceback; `str.__str__` still gives it to who needs it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Secret":
        return cls(text)

    def __repr__(self) -> str:
        return "Secret(…)"


class SettingsError(SystemExit):
    """What is wrong with the environment, a line for each variable; ends a process that does not catch it."""


def load(type_: type[S], environment: Mapping[str, str]) -> S:
    """A `type_` from `environment`. Raises SettingsError that names every variable at fault."""
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for info in fields(type_):
        try:
            values |= _value(info, environment)
        except OSError as error:
            faults.append(Fault((f"{info.name}_FILE",), f"cannot be read: {error.strerror}: {error.filename}"))
        except UnicodeDecodeError:
            faults.append(Fault((f"{info.name}_FILE",), "names a file that is not text in UTF-8"))
    unread = {fault.key for fault in faults}
    try:
        settings = convert(values, type_, strict=False)
    except Invalid as invalid:
        faults += [fault for fault in invalid.faults if f"{fault.key}_FILE" not in unread]
    else:
        if not faults:
            return settings
    raise SettingsError("\n".join(f"{fault.key.upper() or 'environment'}: {fault.detail}" for fault in faults))


def _value(info: FieldInfo, environment: Mapping[str, str]) -> dict[str, str]:
    variable = info.name.upper()
    if file := environment.get(f"{variable}_FILE"):
        return {info.name: Path(file).read_text(encoding="utf-8").strip()}
    return {info.name: environment[variable]} if variable in environment else {}
