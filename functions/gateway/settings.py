"""What one gateway is told by its environment."""

import socket
from typing import Literal

import msgspec

from runtime.settings import Secret
from runtime.units import Size


class Settings(msgspec.Struct, frozen=True):
    """`discovery` says who knows the instances: `directory:/path` or `dns:8000` (the port functions listen on).

    `gateways`: where DNS knows all gateways, if not by their own name: a resolver that looks through networks in turn
    would stop at the first one that any of them is on. `manifests_dir`: where verbs put revisions of the manifests;
    what is current there goes before `functions_dir`. `control_dir`: a folder that only gateways and verbs enter.
    """

    discovery: str
    gateways: str = "gateway"
    redis_url: Secret = Secret("redis://127.0.0.1:6379/0")
    cache_url: Secret = Secret("")  # of a Redis that may evict; without one each gateway's cache is its own
    cache_bytes: Size = Size(64 * 1024**2)
    functions_dir: str = "functions"
    manifests_dir: str = ""
    control_dir: str = ""
    trusted_proxies: str = ""  # networks whose X-Forwarded-For is believed, with commas between
    expose_instance: Literal["0", "1"] = "0"
    instance: str = msgspec.field(default_factory=socket.gethostname)
    token_issuer: str = "portico"  # noqa: S105  a name, not a secret
    token_audience: str = "portico"  # noqa: S105  a name, not a secret
