"""The composition root of the gateway: the only importer of concrete things. Exports `application`.

It loads no web framework: what the gateway itself shows is four handlers in the table of routes, and a framework was
half of its start.
"""

import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from redis.asyncio.connection import AbstractConnection

from functions.gateway.asking import Declined, ask
from functions.gateway.documents.collect import DOCUMENT, Collection
from functions.gateway.edge import Edge, Served
from functions.gateway.endpoints.directory import DIRECTORY_INTERVAL, directory
from functions.gateway.endpoints.dns import DNS_INTERVAL, LOCATED_INTERVAL, dns, located
from functions.gateway.endpoints.ready import asking, ready
from functions.gateway.endpoints.watch import Endpoints, Membership
from functions.gateway.exchange import Header
from functions.gateway.keys import keys_from
from functions.gateway.pages import OWN, pages
from functions.gateway.pipeline import Parts, build, normals, unrouted
from functions.gateway.redis.conversation import connection
from functions.gateway.revocations import Ask, Revocations, following
from functions.gateway.routes import GATEWAY, Route, compile_routes, inner
from functions.gateway.settings import Settings
from functions.gateway.stages.cache.fills import Fills
from functions.gateway.stages.cache.follow import PATIENCE, PAUSE, follow
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.cache.redis import Invalidations, RedisLevel
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.identify import Trusted, trusting
from functions.gateway.stages.limit.fallback import Fallback
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.redis import RedisLender
from functions.gateway.stages.loop import named
from functions.gateway.stages.swap.tokens import Ask as Swap
from functions.gateway.stages.swap.tokens import Tokens
from functions.gateway.table import Table
from functions.gateway.telemetry import Telemetry
from functions.gateway.upstreams import Upstream, upstream
from runtime import log, settings
from runtime.application import application as outermost
from runtime.asgi import Receive, Scope, Send
from runtime.background import beside
from runtime.health import Health
from runtime.identity import Verifier
from runtime.lifespan import live
from runtime.manifest import Manifest, read_all
from runtime.metrics import Metrics
from runtime.problem import NOT_FOUND, Problem

logger = log.get(__name__)

health = Health()
metrics = Metrics()
telemetry = Telemetry(metrics)


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Makes every part from the environment; nothing outlives it."""
    told = settings.load(Settings, os.environ)
    manifests = read_all(Path(told.functions_dir))
    always = [(b"x-instance", told.instance.encode())] if told.expose_instance == "1" else []
    async with AsyncExitStack() as stack:
        front.edge = await _edge(told, manifests, always, stack)
        yield


async def _edge(told: Settings, manifests: list[Manifest], always: list[Header], stack: AsyncExitStack) -> Edge:
    routes = compile_routes(manifests)
    client = Client(waited=telemetry.waited)
    stack.push_async_callback(client.close)
    members = await _members(_endpoints(told, client), manifests, stack)
    for membership in members.values():
        membership.on_left(client.forget)
    ended = Revocations()
    permits, leases = await _permits(told, members[GATEWAY], stack)
    telemetry.watch(members, client, permits, leases)
    levels, fills = await _caches(told, stack)
    telemetry.watch_cache(levels)
    parts = Parts(
        trusted=_trusted(told.trusted_proxies),
        permits=permits,
        verifier=Verifier(keys_from(lambda: table), issuer=told.token_issuer, audience=told.token_audience),
        upstreams=_upstreams(manifests, members, client),
        client=client,
        telemetry=telemetry,
        levels=levels,
        fills=fills,
        cached=normals(routes),
        ended=ended,
        stack=_stack(told, manifests),
    )
    parts = replace(parts, api_keys=_api_keys(manifests, parts, stack))
    table: Table[Served] = Table([*OWN, *routes], _serving(routes, manifests, parts))
    await parts.verifier.renew()
    await stack.enter_async_context(beside(parts.verifier.renewing()))
    for manifest in manifests:
        if manifest.ended_sessions:
            await stack.enter_async_context(following(_feed(manifest.name, manifest.ended_sessions, parts), ended))
    return Edge(table, unrouted(parts), always)


def _stack(told: Settings, manifests: list[Manifest]) -> bytes:
    """Its name; none is made where nobody is told it, as that takes a moment. Who shares limits is one stack."""
    return named(told.redis_url, told.token_issuer) if any(each.upstream for each in manifests) else b""


def _serving(routes: list[Route], manifests: list[Manifest], parts: Parts) -> Callable[[Route], Served]:
    """What a route is served by: the stages that it asks for, or a page."""
    explanations = {slug: text for manifest in manifests for slug, text in manifest.problems.items()}
    shown = pages(explanations, Collection(routes, _documents(parts), time.monotonic).documents)

    def served(route: Route) -> Served:
        own = route.function == GATEWAY
        return route, unrouted(parts, route.template)(shown[route.path]) if own else build(route, parts)

    return served


def _documents(parts: Parts) -> Callable[[str], Awaitable[bytes]]:
    """Asks a function what it says of itself; what others run may say anything, and is not asked."""
    served = cache(lambda function: _inside(function, DOCUMENT, parts))

    async def asked(function: str) -> bytes:
        if parts.upstreams[function].host:
            raise Problem(NOT_FOUND)
        return await ask(served(function), DOCUMENT)

    return asked


def _inside(function: str, path: str, parts: Parts) -> Served:
    route = inner(function, path)
    return route, build(route, parts)


async def _members(here: Endpoints, manifests: list[Manifest], stack: AsyncExitStack) -> dict[str, Membership]:
    """Of the gateway and every function; those that are run by others are asked of DNS."""
    urls = {manifest.name: manifest.upstream.url for manifest in manifests if manifest.upstream}
    elsewhere = Endpoints(located(urls), LOCATED_INTERVAL)
    for endpoints in (here, elsewhere):
        stack.push_async_callback(endpoints.close)
    names = {GATEWAY, *(manifest.name for manifest in manifests)}
    return {name: await (elsewhere if name in urls else here).watch(name) for name in names}


def _upstreams(manifests: list[Manifest], members: dict[str, Membership], client: Client) -> dict[str, Upstream]:
    functions = [manifest for manifest in manifests if manifest.name != GATEWAY]
    upstreams = {
        each.name: upstream(each, members[each.name], client, random.random, telemetry.opened(each.name))
        for each in functions
    }
    telemetry.watch_upstreams(upstreams)
    return upstreams


def _feed(function: str, path: str, parts: Parts) -> Ask:
    served = _inside(function, path, parts)
    return lambda since: ask(served, f"{path}?since={since}")


def _api_keys(manifests: list[Manifest], parts: Parts, stack: AsyncExitStack) -> tuple[str, Tokens] | None:
    """Asks the function that has them, by a way on which keys are not withheld."""
    for manifest in manifests:
        if declared := manifest.api_keys:
            tokens = Tokens(_swap(_inside(manifest.name, declared.swap, parts), declared.swap))
            stack.push_async_callback(tokens.close)
            return declared.prefix, tokens
    return None


def _swap(served: Served, path: str) -> Swap:
    async def swap(key: str) -> bytes | None:
        try:
            return await ask(served, path, [(b"authorization", f"Bearer {key}".encode())])
        except Declined as declined:
            if declined.status != 401:
                raise
            return None

    return swap


def _trusted(networks: str) -> Trusted:
    try:
        return trusting(networks)
    except ValueError as error:
        raise settings.SettingsError(f"TRUSTED_PROXIES: {error}") from None


def _endpoints(told: Settings, client: Client) -> Endpoints:
    """A folder has members that are ready only; DNS has to be asked further."""
    kind, _, rest = told.endpoints.partition(":")
    match kind:
        case "directory":
            return Endpoints(directory(Path(rest)), DIRECTORY_INTERVAL)
        case "dns" if rest.isdigit():
            return Endpoints(ready(dns(int(rest), {GATEWAY: told.gateways}), asking(client)), DNS_INTERVAL)
    raise settings.SettingsError(f"ENDPOINTS: `{told.endpoints}` is neither `directory:/path` nor `dns:8000`")


async def _permits(told: Settings, gateways: Membership, stack: AsyncExitStack) -> tuple[Fallback, Leases]:
    def live() -> int:
        return max(1, len(gateways.addresses))

    redis, local = RedisLender(_redis(told.redis_url)), MemoryPermits()
    leases = Leases(redis, live, local.learn)
    permits = Fallback(leases, redis, local, live, tell=logger.warning)
    stack.push_async_callback(redis.close)
    stack.push_async_callback(redis.flush)
    stack.callback(leases.close)
    stack.push_async_callback(permits.close)
    await stack.enter_async_context(beside(leases.sweeping()))
    await stack.enter_async_context(beside(permits.watching()))
    return permits, leases


def _redis(url: str, variable: str = "REDIS_URL") -> AbstractConnection:
    try:
        return connection(url)
    except ValueError as error:
        raise settings.SettingsError(f"{variable}: {error}") from None


async def _caches(told: Settings, stack: AsyncExitStack) -> tuple[Levels, Fills]:
    """Both levels where there is a Redis for the second; fills end first, as they keep what they brought on both."""
    far = RedisLevel(_redis(told.cache_url, "CACHE_URL")) if told.cache_url else None
    levels, fills = Levels(told.cache_bytes, far), Fills(time.time)
    levels.on_invalidated.append(fills.forget)
    if far is not None:
        far.on_away.append(levels.lost)
        stack.push_async_callback(far.close)
        news = Invalidations(_redis(told.cache_url, "CACHE_URL"), PAUSE, PATIENCE)
        stack.push_async_callback(news.close)
        await stack.enter_async_context(beside(follow(news, levels, logger.warning)))
    stack.push_async_callback(fills.close)
    return levels, fills


class Front:
    """Stands before the edge, which the lifespan brings."""

    edge: Edge

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hands on what the others return: every request comes by, so it is no coroutine of its own."""
        if scope["type"] == "lifespan":
            return live(lifespan(), receive, send)
        return self.edge(scope, receive, send)


front = Front()
application = outermost(front, health, metrics, behind_gateway=False)
