"""Shows the buckets that are not full, emptiest first, or fills them: `just limits [TEXT] [--clear]`.

In: the environment of a gateway, and a part of the buckets' names. Out: a table for people. It asks before it changes
anything. Gateways notice within a second: for longer they refuse no bucket without asking.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from functions.gateway import verbs
from functions.gateway.listing import Row, aligned
from functions.gateway.redis.conversation import Conversation, Script, connection
from functions.gateway.redis.patience import Unavailable
from functions.gateway.revisions import current
from functions.gateway.routes import compile_routes
from functions.gateway.settings import Settings
from functions.gateway.stages.limit import stored
from functions.gateway.stages.limit.policy import MICROSECONDS
from functions.gateway.stages.limit.redis import PREFIX
from functions.gateway.stages.limit.stored import Rules, Stored
from runtime import settings
from runtime.manifest import read_all
from runtime.visible import visible

Ask = Callable[[str], str]

MOST = 50  # rows that a person looks at

_PATIENCE = 5.0  # seconds that a person waits for Redis
_CHUNK = 500  # keys in one question: it blocks Redis for less than a millisecond
_CLEAR = Script(Path(stored.__file__).with_name("clear.lua"))
_HEAD = ("BUCKET", "LIMIT", "LEFT", "ON LEASE", "FULL IN")


class Buckets:
    """Those in Redis. Raises Unavailable."""

    def __init__(self, url: str, among: Rules) -> None:
        self._redis = Conversation(connection(url), [_CLEAR], _PATIENCE)
        self._among = among

    async def holding(self, text: str) -> list[Stored]:
        """Those with `text` in their names, emptiest first."""
        found = [each async for each in self._every() if text in each.key]
        return sorted(found, key=lambda each: (-each.used, each.key))

    async def clear(self, buckets: Sequence[Stored]) -> int:
        """Fills them; how many there still were."""
        cleared = 0
        for start in range(0, len(buckets), _CHUNK):
            names = [(PREFIX + each.key).encode() for each in buckets[start : start + _CHUNK]]
            cleared += await self._redis.ask("EVALSHA", _CLEAR.digest, len(names), *names)
        return cleared

    async def close(self) -> None:
        """Ends the connection."""
        await self._redis.close()

    async def _every(self) -> AsyncIterator[Stored]:
        cursor = b"0"
        while True:
            cursor, names = await self._redis.ask("SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", _CHUNK)
            for each in await self._read(dict.fromkeys(names)):
                yield each
            if cursor == b"0":
                return

    async def _read(self, names: dict[bytes, None]) -> list[Stored]:
        if not names:
            return []
        (seconds, rest), texts = await asyncio.gather(self._redis.ask("TIME"), self._redis.ask("MGET", *names))
        now = int(seconds) * MICROSECONDS + int(rest)
        read = (
            stored.read(name.decode().removeprefix(PREFIX), text.decode(), now, self._among)
            for name, text in zip(names, texts, strict=True)
            if text is not None  # full again since
        )
        return [each for each in read if each]


async def told(buckets: Buckets, text: str, clear: Ask | None) -> str:
    """The table of those with `text` in their names; they are filled where `clear` says y when it is asked."""
    found = await buckets.holding(text)
    if not found:
        return f"Every bucket{f' with `{visible(text)}` in its name' if text else ''} is full."
    if clear is None:
        return table(found)
    if clear(f"{table(found)}\n\nFill {counted(len(found))} again? [y/N] ").strip().lower() != "y":
        return "Nothing was changed."
    return f"{counted(await buckets.clear(found))} filled."


def table(found: Sequence[Stored]) -> str:
    """A row for each bucket, as far as one looks."""
    rest = len(found) - MOST
    more = [f"and {counted(rest)} more: name a part of those you mean"] if rest > 0 else []
    return "\n".join([*aligned([_HEAD, *map(_row, found[:MOST])]), *more])


def counted(number: int) -> str:
    """So many buckets."""
    return f"{number} bucket{'' if number == 1 else 's'}"


def _row(each: Stored) -> Row:
    left = f"{each.left} of {each.limit.burst}" if each.limit else "-"
    return visible(each.key), str(each.limit or "-"), left, str(each.leased or "-"), f"{each.full_in:.1f}s"


async def _main(text: str, clear: Ask | None) -> str:
    options = settings.load(Settings, os.environ)
    among = stored.rules(compile_routes(read_all(current(options.manifests_dir, options.functions_dir))))
    buckets = Buckets(options.redis_url, among)
    try:
        return await told(buckets, text, clear)
    finally:
        await buckets.close()


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""


def main(words: list[str]) -> str:
    """The command line's answer; ends the process with one sentence when Redis can't be asked."""
    parser = argparse.ArgumentParser(prog="just limits", allow_abbrev=False)
    verbs.limits(parser)
    options = parser.parse_args(words)
    ask = (lambda _question: "y") if options.yes else _ask
    try:
        return asyncio.run(_main(options.text, ask if options.clear else None))
    except Unavailable as error:
        sys.exit(f"Redis does not answer ({error}): as long as that is so, every gateway counts its own share.")
    except ValueError as error:
        sys.exit(f"REDIS_URL: {error}")


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])}\n")
