"""An instance's address, as it stands in memberships, logs and metrics: what to dial, and whom to expect there.

`10.0.0.7:9000` is plain; `https://api.example.com@192.0.2.1:443` speaks TLS and shows a certificate of that name. Two
services that share an address are two instances that way, each with connections and a circuit of its own.
"""

from typing import NamedTuple

_TLS = "https://"


class Address(NamedTuple):
    """`name`: whose certificate must be shown; "" for plain."""

    host: str
    port: int
    name: str = ""

    def __str__(self) -> str:
        place = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{_TLS}{self.name}@{place}" if self.name else place


def parse(instance: str) -> Address:
    """The address that `instance` stands for."""
    name, _, place = instance.removeprefix(_TLS).rpartition("@")
    host, _, port = place.rpartition(":")
    return Address(host.strip("[]"), int(port), name)
