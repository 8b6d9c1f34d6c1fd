"""The composition root of the gateway: the only importer of concrete things. Exports `application`.

It loads no web framework: what the gateway itself shows is four handlers in the table of routes, and a framework was
half of its start.
"""

import os
import time
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from redis.asyncio.connection import AbstractConnection

from functions.gateway import control
from functions.gateway.asking import Declined, ask
from functions.gateway.edge import Edge, Served
from functions.gateway.instances.directory import DIRECTORY_INTERVAL, directory
from functions.gateway.instances.dns import DNS_INTERVAL, LOCATED_INTERVAL, dns, located
from functions.gateway.instances.ready import asking, ready
from functions.gateway.instances.watch import Instances, Membership
from functions.gateway.keys import keys_from
from functions.gateway.live import Live
from functions.gateway.pipeline import Parts
from functions.gateway.reach import Neighbours
from functions.gateway.redis.conversation import connection
from functions.gateway.revisions import current, named
from functions.gateway.revocations import Ask, Revocations, following
from functions.gateway.routes import GATEWAY, compile_routes
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
from functions.gateway.stages.loop import named as stack_named
from functions.gateway.stages.swap.tokens import Ask as Swap
from functions.gateway.stages.swap.tokens import Tokens
from functions.gateway.telemetry import Telemetry
from runtime import settings
from runtime.asgi import Receive, Scope, Send
from runtime.identity.verifier import Verifier
from runtime.manifest import Manifest, read_all
from runtime.serving.application import application as outermost
from runtime.serving.background import beside
from runtime.serving.health import Health
from runtime.serving.lifespan import live as lived
from runtime.telemetry import log
from runtime.telemetry.metrics import Metrics

logger = log.get(__name__)

health = Health()
metrics = Metrics()
telemetry = Telemetry(metrics)

Inside = Callable[[str, str], Served]  # a function and a path that only gateways ask for


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Makes every part from the environment; nothing outlives it."""
    told = settings.load(Settings, os.environ)
    async with AsyncExitStack() as stack:
        live = await _live(told, stack)
        front.edge = live.edge
        if told.control_dir:
            path = Path(told.control_dir, f"{told.instance}.sock")
            await stack.enter_async_context(control.listening(path, live, Path(told.manifests_dir)))
        yield


async def _live(told: Settings, stack: AsyncExitStack) -> Live:
    """Serving the revision that is there. Raises ManifestError before anything is opened."""
    folder = current(told.manifests_dir, told.functions_dir)
    manifests = read_all(folder)
    routes = compile_routes(manifests)
    client = Client(waited=telemetry.waited)
    stack.push_async_callback(client.close)
    here = _instances(told, client)
    stack.push_async_callback(here.close)
    gateways = await here.watch(GATEWAY)
    gateways.on_left(client.forget)
    neighbours = Neighbours(here, _elsewhere, client, telemetry.opened)
    permits, leases = await _permits(told, gateways, stack)
    levels, fills = await _caches(told, stack)
    ended, key_set = Revocations(), keys_from(lambda: live.edge.table)
    parts = Parts(
        trusted=_trusted(told.trusted_proxies),
        permits=permits,
        verifier=Verifier(key_set, issuer=told.token_issuer, audience=told.token_audience),
        upstreams={},
        client=client,
        telemetry=telemetry,
        levels=levels,
        fills=fills,
        ended=ended,
        stack=b"",
        api_keys=_api_keys(manifests, lambda *asked: live.inside(*asked), stack),  # noqa: PLW0108  it is not there yet
    )
    always = [(b"x-instance", told.instance.encode())] if told.expose_instance == "1" else []
    live = Live(neighbours, telemetry, parts, lambda: stack_named(told.redis_url, told.token_issuer), always)
    stack.push_async_callback(live.close)
    telemetry.watch(ChainMap({GATEWAY: gateways}, live.members), client, permits, leases)
    telemetry.watch_cache(levels)
    telemetry.watch_upstreams(live.upstreams)
    telemetry.watch_revision(lambda: live.revision)
    await live.prepare(named(folder), manifests, routes)
    live.take()
    await _follow(manifests, live, parts, ended, stack)
    return live


async def _follow(
    manifests: list[Manifest], live: Live, parts: Parts, ended: Revocations, stack: AsyncExitStack
) -> None:
    """What is asked for again and again, for as long as the gateway runs."""
    await parts.verifier.renew()
    await stack.enter_async_context(beside(parts.verifier.renewing()))
    for manifest in manifests:
        if manifest.ended_sessions:
            feed = _feed(manifest.name, manifest.ended_sessions, live)
            await stack.enter_async_context(following(feed, ended))


def _elsewhere(manifest: Manifest) -> Instances:
    """Who knows where a service is that others run: DNS."""
    urls = {manifest.name: manifest.upstream.url} if manifest.upstream else {}
    return Instances(located(urls), LOCATED_INTERVAL)


def _feed(function: str, path: str, live: Live) -> Ask:
    return lambda since, after: ask(live.inside(function, path), f"{path}?since={since}&after={quote(after, safe='')}")


def _api_keys(manifests: list[Manifest], inside: Inside, stack: AsyncExitStack) -> tuple[str, Tokens] | None:
    """Asks the function that has them, by a way on which keys are not withheld."""
    for manifest in manifests:
        if declared := manifest.api_keys:
            tokens = Tokens(_swap(partial(inside, manifest.name, declared.swap), declared.swap))
            stack.push_async_callback(tokens.close)
            return declared.prefix, tokens
    return None


def _swap(served: Callable[[], Served], path: str) -> Swap:
    async def swap(key: str) -> bytes | None:
        try:
            return await ask(served(), path, [(b"authorization", f"Bearer {key}".encode())])
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


def _instances(told: Settings, client: Client) -> Instances:
    """A folder has members that are ready only; DNS has to be asked further."""
    kind, _, rest = told.discovery.partition(":")
    match kind:
        case "directory":
            return Instances(directory(Path(rest)), DIRECTORY_INTERVAL)
        case "dns" if rest.isdigit():
            return Instances(ready(dns(int(rest), {GATEWAY: told.gateways}), asking(client)), DNS_INTERVAL)
    raise settings.SettingsError(f"DISCOVERY: `{told.discovery}` is neither `directory:/path` nor `dns:8000`")


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
            return lived(lifespan(), receive, send)
        return self.edge(scope, receive, send)


front = Front()
application = outermost(front, health, metrics, behind_gateway=False)
