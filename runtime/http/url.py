"""Where a service is, as a person writes it: `http://10.0.0.7:9000`, `https://api.example.com`.

Pure: text in, scheme, host and port out. It is an origin and nothing more: paths are forwarded as they came, so an URL
with a path would promise what nobody does. Pages have origins, too. A ValueError says what is wrong.
"""

import re

_PORTS = {"http": 80, "https": 443}
_SHAPE = re.compile(r"(https?)://([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?/?")


class Url:
    """The origin of a service; `host` is a name or an address, an IPv6 one without brackets."""

    __slots__ = ("host", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port

    @classmethod
    def parse(cls, text: str) -> "Url":
        """Raises ValueError."""
        found = _SHAPE.fullmatch(text)
        port = int(found[3] or _PORTS[found[1]]) if found else 0
        if not found or not 1 <= port <= 65_535:
            raise ValueError(f"`{text}` is no service's origin; write `http://10.0.0.7:9000` or `https://example.com`")
        return cls(found[1], found[2].strip("[]").lower(), port)

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """As a Host header has it (RFC 9110, section 7.2)."""
        return self._named if self.port == _PORTS[self.scheme] else f"{self._named}:{self.port}"

    @property
    def _named(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def __repr__(self) -> str:
        return f"Url({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Origin(str):
    """Where a page is from, as browsers write it in `Origin` (RFC 6454, section 6.2), or `*` for wherever."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Raises ValueError, for `null`, too: every sandboxed page calls itself that."""
        try:
            return cls(text if text == "*" else Url.parse(text))
        except ValueError:
            raise ValueError(f"`{text}` is no page's origin; write `https://shop.example`, or `*`") from None
