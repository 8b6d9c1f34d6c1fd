"""What the gateway tells of itself: the hooks that stages call, as metrics, and what is read from its parts on demand.

In: a registry. Out: meters and counters, bound to their labels when a route is built. Stages know only what they call.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from functions.gateway.instances.watch import Membership
from functions.gateway.stages.breaker.circuit import State
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.cache.stage import OUTCOMES
from functions.gateway.stages.forward.client import Client
from functions.gateway.upstreams import Upstream
from runtime.telemetry.metrics import Metrics, Number, Read


class Limits(Protocol):
    """Permits that count what they decide."""

    @property
    def decisions(self) -> Mapping[tuple[str, ...], int]:
        """How many, by who decided and by what was decided."""

    @property
    def away(self) -> bool:
        """Whether limits are local at the moment."""


class Leases(Protocol):
    """What is on lease from the shared store."""

    @property
    def active(self) -> int:
        """How many keys were asked for lately."""

    @property
    def asked(self) -> int:
        """How many questions it was asked."""

    @property
    def held(self) -> int:
        """How many permits are on lease here."""


class Telemetry:
    """The gateway's metrics; docs/metrics.md says what each means."""

    def __init__(self, metrics: Metrics) -> None:
        route = "function", "route"
        self.answers = metrics.counter("portico_gateway_requests_total", "Requests.", *route, "status")
        self.heads = metrics.histogram("portico_gateway_request_duration_seconds", "Time to an answer's head.", *route)
        self.in_flight = metrics.gauge("portico_gateway_requests_in_flight", "Answers that have not ended.", *route)
        self.problems = metrics.counter(
            "portico_gateway_problems_total", "Requests refused or failed here.", "function", "problem"
        )
        self._stages = metrics.summary(
            "portico_gateway_stage_duration_seconds", "Time in one stage, of a sample of requests.", "stage"
        )
        self._retries = metrics.counter("portico_gateway_retries_total", "Tries after the first.", "function")
        self._refused = metrics.counter(
            "portico_gateway_retries_refused_total", "Tries that the retry budget had no room for.", "function"
        )
        self._cached = metrics.counter(
            "portico_gateway_cache_answers_total", "Requests to routes with a cache.", "function", "outcome"
        )
        self._openings = metrics.counter(
            "portico_gateway_circuit_openings_total", "Circuits of instances that opened.", "function"
        )
        self._waits = metrics.histogram(
            "portico_gateway_upstream_wait_seconds", "Waits for a connection while all were in use."
        ).of()
        self._metrics = metrics

    def keep(self, routes: Collection[tuple[str, str]], *besides: str) -> bool:
        """Forgets what is counted of routes (function and template) and functions that are neither in `routes` nor
        `besides`, once nothing is in flight there; whether there is nothing left to forget.
        """
        gone = [each for each in self.in_flight.known() if each not in routes and each[0] not in besides]
        idle = [each for each in gone if not self.in_flight.of(*each).value]
        for family in (self.answers, self.heads, self.in_flight):
            family.forget({*idle})
        functions = {function for function, _ in (*routes, *self.in_flight.known())} | {*besides}
        for family in (self.problems, self._retries, self._refused, self._cached, self._openings):
            family.forget({values[:1] for values in family.known() if values[0] not in functions})
        return len(idle) == len(gone)

    def watch_revision(self, read: Callable[[], str]) -> None:
        """Reads this, too, when somebody asks."""
        name = "portico_gateway_revision_info", "Which manifests it serves."
        self._metrics.ask("gauge", *name, lambda: {(read(),): 1}, "revision")

    def requests(self, function: str, route: str) -> "RouteMeter":
        """The meter of one route."""
        return RouteMeter(self, function, route)

    def stage(self, name: str) -> Callable[[float], None]:
        """Takes the seconds that a request spent in a stage."""
        return self._stages.of(name).observe

    def retries(self, function: str) -> "RetryMeter":
        """To be told of further tries."""
        return RetryMeter(self._retries.of(function), self._refused.of(function))

    def opened(self, function: str) -> Callable[[], None]:
        """To be called when a circuit opens."""
        count = self._openings.of(function)

        def add() -> None:
            count.value += 1

        return add

    def cached(self, function: str) -> Callable[[str], None]:
        """To be told how each answer of a route with a cache came about."""
        counts = {outcome: self._cached.of(function, outcome) for outcome in OUTCOMES}

        def add(outcome: str) -> None:
            counts[outcome].value += 1

        return add

    def waited(self, seconds: float) -> None:
        """A request had to wait for a connection."""
        self._waits.observe(seconds)

    def watch(self, members: Mapping[str, Membership], client: Client, limits: Limits, leases: Leases) -> None:
        """Reads these when somebody asks."""
        ask = self._metrics.ask
        alive = "portico_gateway_upstream_instances", "Instances that are known."
        ask("gauge", *alive, lambda: {(name,): len(known.addresses) for name, known in members.items()}, "function")
        connections = "portico_gateway_upstream_connections", "Connections to instances."
        ask("gauge", *connections, lambda: _connections(members, client), "function", "state")
        decisions = "portico_gateway_limit_decisions_total", "Checks of a limit."
        ask("counter", *decisions, lambda: limits.decisions, "store", "decision")
        local = "portico_gateway_limit_local", "Whether limits are this instance's own, as Redis is away."
        ask("gauge", *local, lambda: {(): int(limits.away)})
        ask("counter", "portico_gateway_limit_questions_total", "Questions to Redis.", lambda: {(): leases.asked})
        active = "portico_gateway_limit_active_keys", "Keys that were asked for lately."
        ask("gauge", *active, lambda: {(): leases.active})
        ask("gauge", "portico_gateway_limit_leased_permits", "Permits on lease from Redis.", lambda: {(): leases.held})

    def watch_cache(self, levels: Levels) -> None:
        """Reads these, too, when somebody asks."""
        ask, shelf = self._metrics.ask, levels.shelf
        name = "portico_gateway_cache_"
        ask("gauge", name + "bytes", "What level one holds, in bytes.", lambda: {(): shelf.bytes})
        ask("gauge", name + "targets", "Targets of which level one holds answers.", lambda: {(): len(shelf)})
        ask("counter", name + "evictions_total", "Targets that level one had no room for.", lambda: {(): shelf.evicted})
        invalidations = name + "invalidations_total", "Invalidations, made here or heard of."
        ask("counter", *invalidations, lambda: {(): levels.invalidations})
        recalls = name + "recalls_total", "Questions to level two."
        ask("counter", *recalls, lambda: {(said,): count for said, count in levels.recalls.items()}, "result")
        alone = name + "alone", "Whether level two can't be heard, and level one serves only what is new."
        ask("gauge", *alone, lambda: {(): int(levels.alone)})

    def watch_upstreams(self, upstreams: Mapping[str, Upstream]) -> None:
        """Reads these, too, when somebody asks."""
        ask = self._metrics.ask
        circuits = "portico_gateway_circuits", "Circuits of known instances."
        ask("gauge", *circuits, lambda: _circuits(upstreams), "function", "state")
        told: dict[tuple[str, str], Callable[[Upstream], int]] = {
            ("portico_gateway_concurrency", "Requests that wait for the head of an answer."): _in_flight,
            ("portico_gateway_concurrency_limit", "How many may, at the moment."): _limit,
            ("portico_gateway_concurrency_waiting", "Requests that wait for a place among them."): _waiting,
        }
        for (name, meaning), read in told.items():
            ask("gauge", name, meaning, _by_function(upstreams, read), "function")


class RetryMeter:
    """Counts the further tries of one function's requests."""

    __slots__ = ("_refused", "_retries")

    def __init__(self, retries: Number, refused: Number) -> None:
        self._retries = retries
        self._refused = refused

    def retried(self) -> None:
        self._retries.value += 1

    def refused(self) -> None:
        self._refused.value += 1


class RouteMeter:
    """Counts the requests of one route."""

    __slots__ = ("_answers", "_function", "_heads", "_in_flight", "_route", "_telemetry")

    def __init__(self, telemetry: Telemetry, function: str, route: str) -> None:
        self._telemetry = telemetry
        self._function = function
        self._route = route
        self._in_flight = telemetry.in_flight.of(function, route)
        self._heads = telemetry.heads.of(function, route)
        self._answers: dict[int, Number] = {}

    def begun(self) -> None:
        self._in_flight.value += 1

    def answered(self, status: int, seconds: float) -> None:
        self._heads.observe(seconds)
        answers = self._answers.get(status)
        if answers is None:
            answers = self._telemetry.answers.of(self._function, self._route, str(status))
            self._answers[status] = answers
        answers.value += 1

    def refused(self, slug: str) -> None:
        self._telemetry.problems.of(self._function, slug).value += 1

    def ended(self) -> None:
        self._in_flight.value -= 1


def _connections(members: Mapping[str, Membership], client: Client) -> dict[tuple[str, ...], float]:
    """By function, as addresses come and go: each would be a time series of its own."""
    counts: dict[tuple[str, ...], float] = {}
    for name, known in members.items():
        pools = [pool for address in known.addresses if (pool := client.pools.get(address))]
        counts[name, "idle"] = sum(pool.idle for pool in pools)
        counts[name, "in_use"] = sum(pool.in_use for pool in pools)
    return counts


def _circuits(upstreams: Mapping[str, Upstream]) -> dict[tuple[str, ...], float]:
    states = {name: known.circuits.states(known.members.addresses) for name, known in upstreams.items()}
    return {(name, state.value): counts[state] for name, counts in states.items() for state in State}


def _by_function(upstreams: Mapping[str, Upstream], read: Callable[[Upstream], int]) -> Read:
    return lambda: {(name,): read(known) for name, known in upstreams.items()}


def _in_flight(upstream: Upstream) -> int:
    return upstream.gate.bound.in_flight


def _limit(upstream: Upstream) -> int:
    return upstream.gate.bound.limit


def _waiting(upstream: Upstream) -> int:
    return len(upstream.gate.line)
