"""Values as a person writes them in a manifest: `250ms`, `1MiB`, `100/1m burst 20`, `1000/1d by address`.

In: text. Out: numbers in base units (seconds, bytes). A ValueError says what is wrong and shows a right one.
"""

import re

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


class Duration(float):
    """Seconds, written as `250ms`, `2s`, `1m`, `1h` or `1d`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Duration":
        found = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h|d)", text)
        if not found:
            raise ValueError(f"`{text}` is not a duration; write `250ms`, `2s` or `1m`")
        return cls(int(found[1]) * _MILLISECONDS[found[2]] / 1000)

    def __str__(self) -> str:
        """As one writes it: in the largest unit that goes in without a rest, and to the millisecond."""
        milliseconds = round(self * 1000)
        unit, size = next((unit, size) for unit, size in reversed(_MILLISECONDS.items()) if not milliseconds % size)
        return f"{milliseconds // size}{unit}" if milliseconds else "0s"


class Size(int):
    """Bytes, written as `512B`, `64KiB` or `1MiB`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Size":
        found = re.fullmatch(r"([0-9]{1,9})(B|KiB|MiB|GiB)", text)
        if not found:
            raise ValueError(f"`{text}` is not a size; write `512B`, `64KiB` or `1MiB`")
        return cls(int(found[1]) * _BYTES[found[2]])

    def __str__(self) -> str:
        """As one writes it: in the largest unit that goes in without a rest."""
        unit, size = next((unit, size) for unit, size in reversed(_BYTES.items()) if not self % size)
        return f"{int(self) // size}{unit}" if self else "0B"


class Limit:
    """Holds at most `burst` permits and refills evenly with `count` a `period` (seconds).

    A plain class, as msgspec would want an object where it knows a type by itself.
    """

    __slots__ = ("burst", "count", "period")

    def __init__(self, count: int, period: int, burst: int) -> None:
        self.count = count
        self.period = period
        self.burst = burst

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Reads `100/1m`, or `100/1m burst 20`. Raises ValueError."""
        found = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,4})([smhd])(?: burst ([1-9][0-9]{0,8}))?", text)
        if not found:
            raise ValueError(f"`{text}` is not a limit; write `100/1m` or `100/1m burst 20`")
        count = int(found[1])
        return cls(count, int(found[2]) * _MILLISECONDS[found[3]] // 1000, int(found[4] or count))

    def __str__(self) -> str:
        """As one writes it: without a burst where that is the count."""
        burst = f" burst {self.burst}" if self.burst != self.count else ""
        return f"{self.count}/{Duration(self.period)}{burst}"

    def __repr__(self) -> str:
        return f"Limit({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limit) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Rule:
    """A limit and whose bucket it is: of an `address`, a `principal` or the whole `route`; "" where that isn't said."""

    __slots__ = ("by", "limit")

    def __init__(self, limit: Limit, by: str = "") -> None:
        self.limit = limit
        self.by = by

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Reads a limit, or a limit and whose it is: `1000/1d by address`. Raises ValueError."""
        limit, said, by = text.partition(" by ")
        if said and by not in ("address", "principal", "route"):
            raise ValueError(f"`{text}` is by nobody; write `by address`, `by principal` or `by route`")
        return cls(Limit.parse(limit), by)

    def __str__(self) -> str:
        return f"{self.limit} by {self.by}" if self.by else str(self.limit)

    def __repr__(self) -> str:
        return f"Rule({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))
