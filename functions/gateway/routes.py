"""Manifests -> the compiled route table.

In: every function's manifest. Out: which route a method and a path belong to, in a few dictionary look-ups. A name or a
path that two functions claim, a path that the gateway answers itself, a policy above the gateway's ceiling or against
itself: errors at start, all at once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, TypeVar

from runtime.manifest import Manifest, ManifestError, Policy
from runtime.manifest import Route as Declared
from runtime.sizes import LARGEST_BODY
from runtime.units import Duration, Rule, Size

T = TypeVar("T")

GATEWAY = "gateway"  # the one function that is nobody's endpoint

DEFAULTS = Policy(
    auth="bearer",
    deadline=Duration(5),
    retries=1,
    failures=(502, 503, 504),
    body=Size(1024**2),
    idempotency="refused",
)
RESERVED = {"", "docs", "health", "livez", "metrics", "openapi.json", "problems", "readyz"}  # first steps of its own
CEILINGS = {
    "deadline": Duration(20),  # an instance that stops waits longer
    "retries": 5,
    "body": Size(LARGEST_BODY),
    "cache_longest": Duration(24 * 3600),
    "cache_largest": Size(1024**2),
    "cors_longest": Duration(2 * 3600),  # most browsers forget sooner
}
MOST_ORIGINS = 32  # of one route
MOST_LIMITS = 8  # of one route
MOST_PERMITS = 1_000_000  # in one bucket
LONGEST_FILL = 31 * 86_400  # seconds until an empty bucket is full
_OF_A_CACHE = ("cache_longest", "cache_largest", "cache_keep", "cache_drop", "cache_cookies")
_OF_CORS = ("cors_headers", "cors_expose", "cors_cookies", "cors_longest")
SHARED_CEILINGS: dict[str, dict[str, float]] = {  # of what all routes of a function share
    "circuit": {"consecutive": 20, "ratio": 0.8, "open": Duration(5), "longest": Duration(30)},
    "concurrency": {"start": 1000, "most": 5000, "queue": 5000},
}


@dataclass(frozen=True, slots=True)
class Route:
    """One route of one function, with every policy decided."""

    function: str
    method: str
    path: str
    policy: Policy

    @property
    def template(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def rules(self) -> dict[str, Rule]:
        """Its limits by name, `default` first; each says whose bucket it is."""
        policy = self.policy
        usual = "address" if policy.auth == "public" else "principal"
        said = {"default": policy.limit} if policy.limit else {}
        return {name: Rule(rule.limit, rule.by or usual) for name, rule in (said | (policy.limits or {})).items()}


def compile_routes(manifests: Iterable[Manifest]) -> list[Route]:
    """Every function's routes. Raises ManifestError with whatever can't be served as it is declared."""
    served = [manifest for manifest in manifests if manifest.name != GATEWAY]
    routes = [_route(manifest, declared) for manifest in served for declared in manifest.route]
    faults = [
        _namesakes(served),
        _reserved(routes),
        _overlaps(routes),
        _above_ceilings(routes),
        _limits_above_ceilings(routes),
        _above_shared_ceilings(served),
        _contradictions(routes),
        _cors(routes),
        _exposed(served, routes),
        _keyed(served),
    ]
    if lines := [*chain.from_iterable(faults)]:
        raise ManifestError(lines)
    return routes


def _route(manifest: Manifest, declared: Declared) -> Route:
    policy = declared.over(manifest.defaults).over(DEFAULTS)
    return Route(manifest.name, declared.method, declared.path, policy)


def inner(function: str, path: str) -> Route:
    """A route that is in no table: only the gateway itself asks for it."""
    return Route(function, "GET", path, Policy(auth="public", deadline=Duration(2)).over(DEFAULTS))


def _namesakes(manifests: list[Manifest]) -> Iterator[str]:
    for name, times in Counter(manifest.name for manifest in manifests).items():
        if times > 1:
            yield f"{name}: {times} manifests have this name; each function needs its own"


def _reserved(routes: list[Route]) -> Iterator[str]:
    for route in routes:
        if _steps(route.path)[0] in RESERVED:
            yield f"{route.function}: route {route.template}: the gateway answers this path itself"


def _overlaps(routes: list[Route]) -> Iterator[str]:
    claimed: dict[tuple[str, ...], Route] = {}
    for route in routes:
        shape = (route.method, *map(_shape, _steps(route.path)))
        if shape in claimed:
            yield f"{route.function}: route {route.template}: {claimed[shape].function} has {claimed[shape].template}"
        claimed[shape] = route


def _above_ceilings(routes: list[Route]) -> Iterator[str]:
    for route in routes:
        for name, ceiling in CEILINGS.items():
            if (getattr(route.policy, name) or 0) > ceiling:
                yield f"{route.function}: route {route.template}: {name} is above the gateway's ceiling of {ceiling}"


def _limits_above_ceilings(routes: list[Route]) -> Iterator[str]:
    for route in routes:
        where = f"{route.function}: route {route.template}"
        if len(route.rules) > MOST_LIMITS:
            yield f"{where}: {len(route.rules)} limits are above the gateway's ceiling of {MOST_LIMITS}"
        for name, rule in route.rules.items():
            limit = rule.limit
            if limit.burst > MOST_PERMITS:
                yield f"{where}: limit `{name}`: {limit.burst} at once is above the gateway's ceiling of {MOST_PERMITS}"
            if limit.burst * limit.period > LONGEST_FILL * limit.count:
                yield f"{where}: limit `{name}`: takes longer to fill than the gateway's ceiling of 31 days"


def _above_shared_ceilings(manifests: list[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        for table, ceilings in SHARED_CEILINGS.items():
            for name, ceiling in ceilings.items():
                if (getattr(getattr(manifest, table), name) or 0) > ceiling:
                    yield f"{manifest.name}: {table}.{name} is above the gateway's ceiling of {ceiling}"


def _contradictions(routes: list[Route]) -> Iterator[str]:
    for route in routes:
        if route.policy.role is not None and route.policy.auth == "public":
            yield f"{route.function}: route {route.template}: role `{route.policy.role}` needs auth = `bearer`"
        if "default" in (route.policy.limits or {}) and route.policy.limit:
            yield f"{route.function}: route {route.template}: limits.default is said twice, as `limit` means it too"
        for name, rule in route.rules.items():
            if rule.by == "principal" and route.policy.auth == "public":
                yield f"{route.function}: route {route.template}: limit `{name}` by principal needs auth = `bearer`"
        if not route.policy.deadline:
            yield f"{route.function}: route {route.template}: deadline leaves no time to answer"
        if route.policy.cache and route.method != "GET":
            yield f"{route.function}: route {route.template}: cache is for answers to GET"
        if not route.policy.cache and any(getattr(route.policy, name) is not None for name in _OF_A_CACHE):
            yield f"{route.function}: route {route.template}: {', '.join(_OF_A_CACHE)} need cache = `shared`"


def _cors(routes: list[Route]) -> Iterator[str]:
    for route in routes:
        where, policy, origins = f"{route.function}: route {route.template}", route.policy, route.policy.cors or ()
        if len(origins) > MOST_ORIGINS:
            yield f"{where}: {len(origins)} origins are above the gateway's ceiling of {MOST_ORIGINS}"
        if "*" in origins and len(origins) > 1:
            yield f"{where}: cors has `*`, which leaves nothing to the other origins"
        if "*" in origins and policy.cors_cookies == "include":
            yield f"{where}: cors = `*` with cors_cookies = `include` would lend anybody's page its reader's cookies"
        if policy.cors is None and any(getattr(policy, name) is not None for name in _OF_CORS):
            yield f"{where}: {', '.join(_OF_CORS)} need cors"


def _exposed(manifests: list[Manifest], routes: list[Route]) -> Iterator[str]:
    """What a function has for gateways only, and a route of its own would lead clients to."""
    table = Table(routes, lambda route: route)
    for manifest in manifests:
        swap = manifest.api_keys.swap if manifest.api_keys else None
        for path in filter(None, (manifest.ended_sessions, swap)):
            found = table.find(path).get("GET")
            if found is not None and found.function == manifest.name:
                yield f"{manifest.name}: route {found.template}: leads to {path}, which is for gateways only"


def _keyed(manifests: list[Manifest]) -> Iterator[str]:
    keyed = [manifest.name for manifest in manifests if manifest.api_keys]
    if len(keyed) > 1:
        yield f"{keyed[1]}: api_keys: {keyed[0]} has them; gateways ask one function only"


@dataclass(slots=True)
class _Node(Generic[T]):
    """One step of a path: what is served when the path ends here, and where it may go on."""

    served: dict[str, T] = field(default_factory=dict)
    steps: dict[str, "_Node[T]"] = field(default_factory=dict)
    parameter: "_Node[T] | None" = None
    rest: dict[str, T] = field(default_factory=dict)  # what is served at everything below


class Table(Generic[T]):
    """Looks up what a path serves, by method. A literal step is preferred to a parameter, and that to a rest."""

    def __init__(self, routes: Iterable[Route], make: Callable[[Route], T]) -> None:
        self._root: _Node[T] = _Node()
        for route in routes:
            node = self._root
            *steps, last = _steps(route.path)
            for step in steps:
                node = _next(node, step)
            served = node.rest if _is_rest(last) else _next(node, last).served
            served[route.method] = make(route)

    def find(self, path: str) -> dict[str, T]:
        """What is served at `path` (percent-decoded, as the function will see it), by method; empty when nothing is."""
        return _find(self._root, path.split("/")[1:], 0)


def _next(node: _Node[T], step: str) -> _Node[T]:
    if _is_parameter(step):
        node.parameter = node.parameter or _Node()
        return node.parameter
    return node.steps.setdefault(step, _Node())


def _find(node: _Node[T], steps: list[str], index: int) -> dict[str, T]:
    if index == len(steps):
        return node.served
    step = steps[index]
    if (literal := node.steps.get(step)) and (found := _find(literal, steps, index + 1)):
        return found
    if node.parameter is not None and step and (found := _find(node.parameter, steps, index + 1)):
        return found
    return node.rest


def _steps(path: str) -> list[str]:
    return path.split("/")[1:]


def _shape(step: str) -> str:
    """What a step matches, whatever it calls that."""
    return step if not _is_parameter(step) else "{...}" if _is_rest(step) else "{}"


def _is_parameter(step: str) -> bool:
    return step.startswith("{")


def _is_rest(step: str) -> bool:
    """`{name...}`: one step or many; an empty one, too, so that what is below `/a/` begins with `/a/` itself."""
    return step.endswith("...}")
