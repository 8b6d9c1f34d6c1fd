"""Every key that NGINX Unit knows of what we tell it, and no other: src/nxt_conf_validation.c of 1.35, in types.

Strict where Unit is: an unknown key, or a value of another type, is an error there and here.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Natural = Annotated[int, Meta(ge=1)]
Absolute = Annotated[str, Meta(pattern=r"^/[\w/.-]*\Z")]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What knows its keys."""


class Limits(Strict, frozen=True):
    timeout: Natural


class Application(Strict, frozen=True, kw_only=True):
    """What we say of one, and must: the rest of Unit's keys (threads, factory, targets, stdout ...) we never say."""

    type: Annotated[str, Meta(pattern=r"^python 3\.\d+\Z")]
    protocol: Literal["asgi"]
    home: Absolute | msgspec.UnsetType = msgspec.UNSET
    path: list[Absolute]
    working_directory: Absolute
    module: str
    callable: Literal["application"]
    environment: dict[Annotated[str, Meta(pattern=r"^(?!PYTHON)[A-Z][A-Z0-9_]*\Z")], str]
    processes: Natural
    limits: Limits


class Http(Strict, frozen=True):
    header_read_timeout: Natural
    idle_timeout: Natural
    max_body_size: Natural
    server_version: bool
    chunked_transform: bool


class Settings(Strict, frozen=True):
    http: Http


class Listener(Strict, frozen=True, rename={"passes": "pass"}):
    passes: Annotated[str, Meta(pattern=r"^applications/[a-z][a-z0-9-]*\Z")]


class Configuration(Strict, frozen=True):
    settings: Settings
    listeners: dict[Annotated[str, Meta(pattern=r"^127\.0\.0\.1:\d+\Z")], Listener]
    applications: dict[str, Application]
