"""A body that is stored while it streams: whoever asked for it reads what is there, the fill adds to it.

In: parts, then an end, an error, or the rest of a body that is too large to be stored. Out: a Stream for one reader.
The reader holds nobody up, so what is here must be bounded by who adds.
"""

import asyncio

from functions.gateway.exchange import Response


class Growing:
    """One body; its reader may leave at any time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._taken = 0
        self._over = False
        self._error: Exception | None = None
        self._rest: Response | None = None
        self._left = False
        self._more = asyncio.Event()

    @property
    def whole(self) -> bytes:
        """All that was added."""
        return b"".join(self._parts)

    def add(self, part: bytes) -> None:
        """An empty part is none: to its reader it would be the end."""
        if part:
            self._parts.append(part)
            self._more.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing will be added; `error` broke it off."""
        self._over, self._error = True, error
        self._more.set()

    def hand_over(self, rest: Response) -> None:
        """What is still to come of `rest` is the reader's to read, and to finish."""
        self._over, self._rest = True, rest
        self._more.set()
        if self._left:
            rest.finish()

    @property
    def ended(self) -> bool:
        """Whether the last part has been read."""
        return self._over and self._error is None and self._rest is None and self._taken == len(self._parts)

    async def read(self) -> bytes:
        """The next part, b"" at the end. Raises what broke it off."""
        while self._taken == len(self._parts):
            if self._error is not None:
                raise self._error
            if self._over:
                return await self._remainder()
            self._more.clear()
            await self._more.wait()
        parts = self._parts[self._taken :]
        self._taken = len(self._parts)
        return b"".join(parts)

    def close(self) -> None:
        """The reader leaves."""
        self._left = True
        if self._rest is not None:
            self._rest.finish()

    async def _remainder(self) -> bytes:
        return b"" if self._rest is None or self._rest.stream is None else await self._rest.stream.read()
