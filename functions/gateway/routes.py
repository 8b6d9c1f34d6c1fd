"""Manifests -> routes that can be served.

In: every function's manifest. Out: its routes, with every policy decided. A name or a path that two functions claim, a
path that the gateway answers itself, a policy above the gateway's ceiling or against itself: errors at start, all at
once, each with the file, the line and the key that decide.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from functions.gateway.table import Table, shape, split
from runtime.http.sizes import LARGEST_BODY
from runtime.manifest import KeyPath, Manifest, ManifestError, Policy
from runtime.manifest import Route as Declared
from runtime.units import Duration, Limit, Rule, Size

GATEWAY = "gateway"  # the one function that is nobody's instance

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
    routes = [
        _Said(_route(manifest, declared), manifest, index)
        for manifest in served
        for index, declared in enumerate(manifest.route)
    ]
    faults = [
        _namesakes(served),
        _reserved(routes),
        _overlaps(routes),
        _above_ceilings(routes),
        _limits_above_ceilings(routes),
        _above_shared_ceilings(served),
        _contradictions(routes),
        _of_a_cache(routes),
        _cors(routes),
        _exposed(served, routes),
        _keyed(served),
    ]
    if lines := [*dict.fromkeys(chain.from_iterable(faults))]:
        raise ManifestError(lines)
    return [each.route for each in routes]


@dataclass(frozen=True, slots=True)
class _Said:
    """A route, and where it was declared."""

    route: Route
    manifest: Manifest
    index: int

    def fault(self, said: str, *names: str) -> str:
        """What is wrong with the first of `names` that is said anywhere, as a line."""
        return self.told(self.where(*names), said)

    def told(self, path: KeyPath, said: str) -> str:
        """What is wrong there, as a line; of what all routes of a function share it is one line for all of them."""
        return self.manifest.told(path, said if path[0] == "defaults" else f"route {self.route.template}: {said}")

    def where(self, *names: str) -> KeyPath:
        """The key that decides: the route's, or its function's default; the route itself where neither says it."""
        layers: list[tuple[KeyPath, Policy]] = [
            (("route", self.index), self.manifest.route[self.index]),
            (("defaults",), self.manifest.defaults),
        ]
        found = ((*path, name) for name in names for path, policy in layers if getattr(policy, name, None) is not None)
        return next(found, ("route", self.index))

    def limit(self, name: str) -> KeyPath:
        """The key of one of its limits."""
        limits = self.where("limits")
        return self.where("limit") if name not in (self.route.policy.limits or {}) else (*limits, name)


def _route(manifest: Manifest, declared: Declared) -> Route:
    policy = declared.over(manifest.defaults).over(DEFAULTS)
    return Route(manifest.name, declared.method, declared.path, policy)


def inner(function: str, path: str) -> Route:
    """A route that is in no table: only the gateway itself asks for it."""
    return Route(function, "GET", path, Policy(auth="public", deadline=Duration(2)).over(DEFAULTS))


def _namesakes(manifests: list[Manifest]) -> Iterator[str]:
    named: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        named.setdefault(manifest.name, []).append(manifest)
    for first, *others in named.values():
        if others:
            said = f"{len(others) + 1} manifests have this name; each function needs its own"
            yield others[-1].told(("name",), said + "".join(each.at(("name",)) for each in (first, *others[:-1])))


def _reserved(routes: list[_Said]) -> Iterator[str]:
    for each in routes:
        if split(each.route.path)[0] in RESERVED:
            yield each.fault("the gateway answers this path itself", "match")


def _overlaps(routes: list[_Said]) -> Iterator[str]:
    claimed: dict[tuple[str, ...], _Said] = {}
    for each in routes:
        claim = (each.route.method, *map(shape, split(each.route.path)))
        if other := claimed.get(claim):
            place = other.manifest.at(other.where("match"))
            yield each.fault(f"{other.route.function} has {other.route.template}{place}", "match")
        claimed[claim] = each


def _above_ceilings(routes: list[_Said]) -> Iterator[str]:
    for each in routes:
        for name, ceiling in CEILINGS.items():
            if (getattr(each.route.policy, name) or 0) > ceiling:
                yield each.fault(f"{name} is above the gateway's ceiling of {ceiling}", name)


def _limits_above_ceilings(routes: list[_Said]) -> Iterator[str]:
    for each in routes:
        rules = each.route.rules
        if len(rules) > MOST_LIMITS:
            yield each.fault(f"{len(rules)} limits are above the gateway's ceiling of {MOST_LIMITS}", "limits")
        for name, rule in rules.items():
            if said := _above(rule.limit):
                yield each.told(each.limit(name), f"limit `{name}`: {said}")


def _above(limit: Limit) -> str:
    """What is too much about a limit, "" if nothing is."""
    if limit.burst > MOST_PERMITS:
        return f"{limit.burst} at once is above the gateway's ceiling of {MOST_PERMITS}"
    if limit.burst * limit.period > LONGEST_FILL * limit.count:
        return "takes longer to fill than the gateway's ceiling of 31 days"
    return ""


def _above_shared_ceilings(manifests: list[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        for table, ceilings in SHARED_CEILINGS.items():
            for name, ceiling in ceilings.items():
                if (getattr(getattr(manifest, table), name) or 0) > ceiling:
                    yield manifest.told((table, name), f"{table}.{name} is above the gateway's ceiling of {ceiling}")


def _contradictions(routes: list[_Said]) -> Iterator[str]:
    for each in routes:
        policy, public = each.route.policy, each.route.policy.auth == "public"
        if policy.role is not None and public:
            yield each.fault(f"role `{policy.role}` needs auth = `bearer`", "role")
        if "default" in (policy.limits or {}) and policy.limit:
            yield each.told(each.limit("default"), "limits.default is said twice, as `limit` means it too")
        for name, rule in each.route.rules.items():
            if rule.by == "principal" and public:
                yield each.told(each.limit(name), f"limit `{name}` by principal needs auth = `bearer`")
        if not policy.deadline:
            yield each.fault("deadline leaves no time to answer", "deadline")


def _of_a_cache(routes: list[_Said]) -> Iterator[str]:
    for each in routes:
        policy = each.route.policy
        if policy.cache and each.route.method != "GET":
            yield each.fault("cache is for answers to GET", "cache")
        if not policy.cache and any(getattr(policy, name) is not None for name in _OF_A_CACHE):
            yield each.fault(f"{', '.join(_OF_A_CACHE)} need cache = `shared`", *_OF_A_CACHE)


def _cors(routes: list[_Said]) -> Iterator[str]:
    for each in routes:
        policy, origins = each.route.policy, each.route.policy.cors or ()
        if len(origins) > MOST_ORIGINS:
            yield each.fault(f"{len(origins)} origins are above the gateway's ceiling of {MOST_ORIGINS}", "cors")
        if "*" in origins and len(origins) > 1:
            yield each.fault("cors has `*`, which leaves nothing to the other origins", "cors")
        if "*" in origins and policy.cors_cookies == "include":
            said = "cors = `*` with cors_cookies = `include` would lend anybody's page its reader's cookies"
            yield each.fault(said, "cors_cookies")
        if policy.cors is None and any(getattr(policy, name) is not None for name in _OF_CORS):
            yield each.fault(f"{', '.join(_OF_CORS)} need cors", *_OF_CORS)


def _exposed(manifests: list[Manifest], routes: list[_Said]) -> Iterator[str]:
    """What a function has for gateways only, and a route of its own would lead clients to."""
    said = {id(each.route): each for each in routes}
    table = Table((each.route for each in routes), lambda route: said[id(route)])
    for manifest in manifests:
        swap = manifest.api_keys.swap if manifest.api_keys else None
        for path in filter(None, (manifest.ended_sessions, swap)):
            found = table.find(path).get("GET")
            if found is not None and found.manifest is manifest:
                yield found.fault(f"leads to {path}, which is for gateways only", "match")


def _keyed(manifests: list[Manifest]) -> Iterator[str]:
    keyed = [manifest for manifest in manifests if manifest.api_keys]
    for manifest in keyed[1:]:
        said = f"api_keys: {keyed[0].name} has them; gateways ask one function only{keyed[0].at(('api_keys',))}"
        yield manifest.told(("api_keys",), said)
