"""`just cache`: what all gateways hold of a target, and what they are to forget.

In: a target as a client writes it, a function and one of its groups, or that everything is meant. Out: lines for a
person. Looking changes nothing; a purge is an invalidation like any other, and reaches every gateway's memory as one
does.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from functions.gateway import verbs
from functions.gateway.pipeline import normal
from functions.gateway.redis.conversation import connection
from functions.gateway.revisions import current
from functions.gateway.routes import Route, compile_routes
from functions.gateway.settings import Settings
from functions.gateway.stages.cache import keys
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.keys import Key
from functions.gateway.stages.cache.redis import RedisLevel
from functions.gateway.stages.cache.short import shown
from functions.gateway.table import Table
from runtime import settings
from runtime.manifest import read_all
from runtime.visible import visible

if TYPE_CHECKING:
    from functions.gateway.stages.cache.far import Found

AWAY = "The shared cache does not answer: each gateway goes on with its own memory."
_AS_THEY_ARE = "".join(map(chr, range(0x21, 0x7F)))
PATIENCE = 2.0  # seconds; a person may wait longer than a request


def place(routes: Sequence[Route], target: str) -> Key | None:
    """The key of a target; None when no route with a cache has it."""
    target = quote(target.partition("#")[0], safe=_AS_THEY_ARE)  # as clients send what a person writes
    path = target.partition("?")[0]
    route = Table(routes, lambda route: route).find(unquote(path)).get("GET")
    if route is None or not route.policy.cache:
        return None
    return keys.key(route.function, normal(route.policy)(target.encode()))


def lines(held: Sequence[Stored], now: float) -> Iterator[str]:
    """One for each answer: what it is, how old, for how long it is fresh, and what selects it."""
    for one in held:
        left = one.fresh_until - now
        fresh = f"fresh for {left:.0f} s" if left > 0 else f"stale for {-left:.0f} s"
        said = [f"{one.status}", f"{len(one.body)} bytes", f"{now - one.born:.0f} s old", fresh]
        said += [f"etag {one.etag.decode('latin-1')}"] if one.etag else []
        said += [f"groups {', '.join(one.groups)}"] if one.groups else []
        said += [f"for {shown(one.selecting).replace(chr(10), ', ')}"]
        yield visible(", ".join(said))


async def look(level: RedisLevel, key: Key, now: float) -> str:
    """What level two has of `key`."""
    found: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
    level.find(key, found.set_result)
    held = await found
    if held is None:
        sys.exit(AWAY)
    return "\n".join(lines(held.stored, now)) or "Nothing is held of it."


async def purge(level: RedisLevel, name: bytes) -> str:
    """Has every gateway forget a key or a tag."""
    if not await level.invalidate([name]):
        sys.exit(AWAY)
    return visible(f"Forgotten everywhere: {shown(name)}")


async def purge_all(level: RedisLevel) -> str:
    """Has every gateway forget everything."""
    if not await level.clear():
        sys.exit(AWAY)
    return "Forgotten everywhere: all answers"


async def _main(options: argparse.Namespace) -> str:
    told = settings.load(Settings, os.environ)
    if not told.cache_url:
        sys.exit("There is no shared cache here: CACHE_URL says where one is.")
    level = RedisLevel(connection(told.cache_url), PATIENCE)
    try:
        if options.all:
            return await purge_all(level)
        if not options.target:
            sys.exit("Say which target, as in /products/tea; `just cache purge --all` is for all of them.")
        routes = compile_routes(read_all(current(told.manifests_dir, told.functions_dir)))
        if options.group:
            return await purge(level, keys.tag(_caching(routes, options.target), options.group))
        key = place(routes, options.target)
        if key is None:
            sys.exit(f"No route with a cache has {visible(options.target)}: `just routes` lists them.")
        return await (look(level, key, time.time()) if options.what == "look" else purge(level, key))
    finally:
        await level.close()


def _caching(routes: Sequence[Route], function: str) -> str:
    """The function of that name; ends the process with one sentence when it has no answers in the cache."""
    there = sorted({route.function for route in routes if route.policy.cache})
    if function not in there:
        sys.exit(f"No function {visible(function)} has a route with a cache: there are {', '.join(there) or 'none'}.")
    return function


def main(words: list[str]) -> str:
    """The command line's answer; ends the process with one sentence when there is none."""
    parser = argparse.ArgumentParser(prog="just cache", allow_abbrev=False)
    verbs.cache(parser)
    options = parser.parse_args(words)
    if options.what == "look" and (options.group or options.all):
        parser.error("--group and --all are for purge")
    if options.all and (options.target or options.group):
        parser.error("--all is everything: leave the target and --group out")
    return asyncio.run(_main(options))


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])}\n")
