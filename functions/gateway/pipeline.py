"""THE order of a request: every stage that a route asked for, outermost first.

observe, fit, identify, cors, loop, accept, guard (limits by address), swap (or withhold), authenticate, limit,
deadline, cache, keep, shed, retry, balance, breaker, forward.
"""

import random
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from functions.gateway.exchange import Handler, Stage
from functions.gateway.routes import CEILINGS, GATEWAY, Route
from functions.gateway.stages.accept import accept
from functions.gateway.stages.authenticate import authenticate
from functions.gateway.stages.balance import balance, elsewhere
from functions.gateway.stages.breaker.stage import breaker
from functions.gateway.stages.cache.fills import Fills
from functions.gateway.stages.cache.invalidate import invalidate
from functions.gateway.stages.cache.keys import Normal, counting
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.cache.stage import Rules, cache
from functions.gateway.stages.cache.stage import Tell as Outcome
from functions.gateway.stages.cors import Pages, cors
from functions.gateway.stages.deadline import deadline
from functions.gateway.stages.fit import fit
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.forward.stage import forward
from functions.gateway.stages.identify import Trusted, identify
from functions.gateway.stages.keep import keep
from functions.gateway.stages.limit.permits import Permits
from functions.gateway.stages.limit.stage import Limits, guard, limit
from functions.gateway.stages.loop import loop
from functions.gateway.stages.observe import Meter, Tell, now_and_then, observe, timed
from functions.gateway.stages.retry.stage import Tell as Retries
from functions.gateway.stages.retry.stage import retry
from functions.gateway.stages.shed.stage import shed
from functions.gateway.stages.swap.stage import swap, withhold
from functions.gateway.stages.swap.tokens import Tokens
from functions.gateway.upstreams import Upstream
from runtime.identity.verifier import Verifier
from runtime.manifest import Policy
from runtime.telemetry.request_metrics import UNROUTED
from runtime.units import Rule

SAMPLE = 64  # one request in so many is timed stage by stage, which costs it a few microseconds


def random_id() -> str:
    """128 random bits, as the trace ids of W3C have them."""
    return f"{random.getrandbits(128):032x}"  # no secret, so no system call


def random_below(bound: int) -> int:
    """A whole number from 0 to below `bound`; a fifth of the price of `randrange`, which takes any bound."""
    return int(random.random() * bound)  # noqa: S311  spreads load, keeps no secret


class Telemetry(Protocol):
    """Who is told what requests do."""

    def requests(self, function: str, route: str) -> Meter: ...
    def stage(self, name: str) -> Tell: ...
    def retries(self, function: str) -> Retries: ...
    def cached(self, function: str) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The concrete things that stages act on, made once by the composition root."""

    trusted: Trusted
    permits: Permits
    verifier: Verifier
    upstreams: dict[str, Upstream]  # by function
    client: Client
    telemetry: Telemetry
    levels: Levels
    fills: Fills
    cached: Mapping[str, Collection[Normal]] = field(
        default_factory=dict
    )  # functions with kept answers: how targets count
    ended: Container[str] = frozenset()  # sessions whose tokens are refused
    api_keys: tuple[str, Tokens] | None = None  # how they begin, and what they are worth
    stack: bytes = b"portico"  # the name of this one, which no other on the way to a service may have
    new_id: Callable[[], str] = random_id
    clock: Callable[[], float] = monotonic  # seconds


def build(route: Route, parts: Parts) -> Handler:
    """Wraps the stages that `route` asks for, once, at start: plainly, and for a sample of requests with a clock each.

    One stage may decide for both ways, so it is made once and wraps twice.
    """
    observed, *inner = stages(route, parts)
    usual = sampled = forward(parts.client, parts.upstreams[route.function].host)
    sampled = timed(parts.telemetry.stage("forward"), sampled)
    for stage in reversed(inner):
        usual = stage(usual)
        sampled = timed(parts.telemetry.stage(name(stage)), stage(sampled))
    return observed(now_and_then(sampled, usual, SAMPLE))


def name(stage: Stage) -> str:
    """What a stage is called: as the function that makes it."""
    return stage.__qualname__.partition(".")[0]


def stages(route: Route, parts: Parts) -> Iterator[Stage]:
    """The stages of `route`, outermost first."""
    policy = route.policy
    public = policy.auth == "public"
    by_address = {name: rule for name, rule in route.rules.items() if rule.by == "address"}
    yield observe(parts.telemetry.requests(route.function, route.template))
    yield fit
    yield identified(parts)
    if policy.cors:
        yield cors(pages(route))
    if parts.upstreams[route.function].host:
        yield loop(parts.stack)
    yield accept(policy.body or 0, keys=policy.idempotency == "honoured")
    if by_address and not public:
        yield guard(parts.permits, limits(route, by_address))
    if parts.api_keys:
        prefix, tokens = parts.api_keys
        yield withhold(prefix) if public else swap(tokens, prefix, parts.permits, parts.verifier)
    if not public:
        yield authenticate(parts.verifier, policy.role, parts.ended)
    if route.rules:
        yield limit(parts.permits, limits(route, route.rules))
    if policy.deadline:
        yield deadline(policy.deadline, parts.clock)
    if policy.cache:
        yield cache(parts.levels, parts.fills, kept(route), parts.telemetry.cached(route.function))
    elif route.method != "GET" and route.function in parts.cached:
        yield invalidate(parts.levels, route.function, parts.cached[route.function])
    yield from resilient(route, parts, parts.upstreams[route.function])


def kept(route: Route) -> Rules:
    """How the answers of `route` are kept; what it doesn't say is the gateway's ceiling."""
    policy = route.policy
    return Rules(
        function=route.function,
        normal=normal(policy),
        largest=int(policy.cache_largest or CEILINGS["cache_largest"]),
        longest=policy.cache_longest or CEILINGS["cache_longest"],
        cookies=policy.cache_cookies == "shared",
        deadline=policy.deadline or CEILINGS["deadline"],
    )


def normal(policy: Policy) -> Normal:
    """How the targets of a cached route count."""
    return counting(policy.cache_keep, policy.cache_drop or ())


def normals(routes: Iterable[Route]) -> dict[str, list[Normal]]:
    """The same of all cached routes, by function."""
    found: dict[str, list[Normal]] = {}
    for route in routes:
        if route.policy.cache:
            found.setdefault(route.function, []).append(normal(route.policy))
    return found


def pages(route: Route) -> Pages:
    """Whose pages may call `route`, and how; what it doesn't say, the stage and the gateway's ceiling do."""
    policy = route.policy
    return Pages.of(
        policy.cors or (),
        headers=policy.cors_headers,
        expose=policy.cors_expose,
        credentials=policy.cors_cookies == "include",
        longest=policy.cors_longest or CEILINGS["cors_longest"],
    )


def limits(route: Route, among: dict[str, Rule]) -> Limits:
    """Rules of a route, as the stages ask for them."""
    return Limits(f"{route.function} {route.template}", among, route.policy.on_store_failure or "local")


def resilient(route: Route, parts: Parts, upstream: Upstream) -> Iterator[Stage]:
    """The stages that keep a function's troubles away from clients, and clients' from the function."""
    policy = route.policy
    failures = frozenset(policy.failures or ())
    if route.method != "GET":
        yield keep()
    yield shed(upstream.gate, route.template, parts.clock)
    if policy.retries:
        tell = parts.telemetry.retries(route.function)
        others = elsewhere(upstream.members, upstream.circuits, parts.clock)
        yield retry(policy.retries, failures, upstream.budget, random.random, tell, elsewhere=others)
    yield balance(upstream.members, upstream.in_flight, upstream.circuits, random_below, parts.clock)
    yield breaker(upstream.circuits, failures, parts.clock)


def identified(parts: Parts) -> Stage:
    """What every request passes once it is counted."""
    return identify(parts.trusted, parts.new_id)


def unrouted(parts: Parts, route: str = UNROUTED) -> Stage:
    """The stages of requests that go to no function: the gateway's own pages, and what has no route at all."""
    observed, identifying = observe(parts.telemetry.requests(GATEWAY, route)), identified(parts)
    return lambda handler: observed(identifying(handler))
