"""What a gateway serves, revision after revision: the next one is built beside what runs, and takes its place at once.

In: manifests. Out: a table for the edge. A route that is equal, and stands on what is equal, keeps the handler that it
has; so nothing that handlers know is lost, and whoever is in flight ends where they began. What nobody needs any more
is let go once nothing is in flight there.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from functions.gateway.asking import ask
from functions.gateway.changes import Manifests, beyond, by_name
from functions.gateway.documents.collect import DOCUMENT, Collection
from functions.gateway.edge import Edge, Served
from functions.gateway.exchange import Handler, Header
from functions.gateway.pages import OWN, pages
from functions.gateway.pipeline import Parts, build, normals, unrouted
from functions.gateway.reach import Neighbours, Reach
from functions.gateway.routes import GATEWAY, Route, inner
from functions.gateway.table import Table
from functions.gateway.telemetry import Telemetry
from runtime.http.problem import NOT_FOUND, Problem
from runtime.manifest import Manifest
from runtime.serving.background import until_done

if TYPE_CHECKING:
    from functions.gateway.instances.watch import Membership
    from functions.gateway.upstreams import Upstream

_PAUSE = 0.5  # seconds between two looks whether what nobody needs may go

Kept = tuple[tuple[object, ...], ...]  # how the targets of a function's kept answers count, route by route
Name = tuple[str, str]  # function and template of a route


class Beyond(Exception):
    """What only a gateway that starts can take in: a line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Built:
    """A route's handler, and what it stands on."""

    route: Route
    handler: Handler
    reach: Reach
    kept: Kept


@dataclass(frozen=True, slots=True)
class Plan:
    """One revision, as it is served. `inside`: what only the gateway itself asks for."""

    revision: str
    manifests: Manifests
    reaches: Mapping[str, Reach]
    parts: Parts
    routes: Sequence[Route] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)
    built: dict[Name, Built] = field(default_factory=dict)
    inside: dict[Name, Built] = field(default_factory=dict)


class Live:
    """One gateway's. `parts` is what all revisions share; `stack` makes its name, once a service is told of it."""

    def __init__(
        self,
        neighbours: Neighbours,
        telemetry: Telemetry,
        parts: Parts,
        stack: Callable[[], bytes],
        always: Sequence[Header],
    ) -> None:
        self._neighbours = neighbours
        self._telemetry = telemetry
        self._stack = stack
        self._plan = Plan("", {}, {}, parts)
        self._next: tuple[Plan, Table[Served]] | None = None
        self._documents = Collection((), self._document, time.monotonic)
        self._changing = asyncio.Lock()
        self._letting_go: asyncio.Task[None] | None = None
        self._taken = False  # since the last look at what is needed
        self.members: dict[str, Membership] = {}  # these two are of what is served: for metrics
        self.upstreams: dict[str, Upstream] = {}
        self.edge = Edge(Table[Served]((), dict[Route, Served]().__getitem__), unrouted(parts), always)

    @property
    def revision(self) -> str:
        """That of what is served."""
        return self._plan.revision

    async def prepare(self, revision: str, manifests: Iterable[Manifest], routes: Sequence[Route]) -> None:
        """Builds it beside what runs, which goes on as it is. Raises Beyond."""
        now = by_name(manifests)
        if self.revision and (lines := beyond(self._plan.manifests, now, GATEWAY)):
            raise Beyond(lines)
        async with self._changing:
            plan = await self._planned(revision, now, routes)
            self._next = plan, self._table(plan)

    def take(self) -> None:
        """Serves what was prepared, from this moment on."""
        if self._next is None:
            return
        (self._plan, self.edge.table), self._next = self._next, None
        self._taken = True
        for shown in (self.members, self.upstreams):
            shown.clear()
        self.members.update((name, reach.watch.members) for name, reach in self._plan.reaches.items())
        self.upstreams.update(self._plan.parts.upstreams)
        self._documents.describe(self._plan.routes)
        if self._letting_go is None or self._letting_go.done():
            self._letting_go = asyncio.create_task(until_done("letting-go", self._let_go, _PAUSE))

    async def drop(self) -> None:
        """Serves on what is served; what was prepared is let go."""
        self._next = None
        await self._let_go()

    def inside(self, function: str, path: str) -> Served:
        """What only the gateway asks for. Raises Problem where there is no such function."""
        plan, route = self._plan, inner(function, path)
        if function not in plan.reaches:
            raise Problem(NOT_FOUND)
        built = plan.inside.get(_name(route))
        if built is None:
            built = plan.inside[_name(route)] = self._inside(route, plan)
        return route, built.handler

    async def close(self) -> None:
        """Watches nobody any more."""
        if self._letting_go is not None:
            self._letting_go.cancel()
            await asyncio.wait({self._letting_go})
        await self._neighbours.close()

    async def _planned(self, revision: str, manifests: Manifests, routes: Sequence[Route]) -> Plan:
        others = [manifest for name, manifest in manifests.items() if name != GATEWAY]
        found = await asyncio.gather(*map(self._neighbours.reach, others))
        reaches = {reach.manifest.name: reach for reach in found}
        stack = self._plan.parts.stack
        if not stack and any(manifest.upstream for manifest in others):
            stack = await asyncio.to_thread(self._stack)  # which takes a moment
        upstreams = {name: reach.upstream for name, reach in reaches.items()}
        parts = replace(self._plan.parts, upstreams=upstreams, cached=normals(routes), stack=stack)
        plan = Plan(revision, manifests, reaches, parts, routes, _kept(routes))
        plan.built.update((_name(route), self._built(route, plan)) for route in routes)
        for name, built in self._plan.inside.items():
            if built.route.function in reaches:
                plan.inside[name] = self._inside(built.route, plan)
        return plan

    def _built(self, route: Route, plan: Plan) -> Built:
        """The one that there is, where it stands on the same."""
        reach, kept = plan.reaches[route.function], plan.kept.get(route.function, ())
        had = self._plan.built.get(_name(route))
        if had is not None and had.route == route and had.reach is reach and had.kept == kept:
            return had
        return _stood(Built(route, build(route, plan.parts), reach, kept))

    def _inside(self, route: Route, plan: Plan) -> Built:
        """The same of what only the gateway asks for, by a way on which keys are not withheld."""
        reach, had = plan.reaches[route.function], self._plan.inside.get(_name(route))
        if had is not None and had.reach is reach:
            return had
        return _stood(Built(route, build(route, replace(plan.parts, api_keys=None)), reach, ()))

    def _table(self, plan: Plan) -> Table[Served]:
        explanations = {slug: text for each in plan.manifests.values() for slug, text in each.problems.items()}
        shown = pages(explanations, self._documents.documents)

        def served(route: Route) -> Served:
            own = route.function == GATEWAY
            handler = (
                unrouted(plan.parts, route.template)(shown[route.path]) if own else plan.built[_name(route)].handler
            )
            return route, handler

        return Table([*OWN, *plan.routes], served)

    async def _document(self, function: str) -> bytes:
        """What a function says of itself; what others run may say anything, and is not asked."""
        served = self.inside(function, DOCUMENT)
        if self.upstreams[function].host:
            raise Problem(NOT_FOUND)
        return await ask(served, DOCUMENT)

    async def _let_go(self) -> bool:
        """Of what is needed neither now nor next; whether nothing of that is left."""
        async with self._changing:
            self._taken = False
            needed = [self._plan, *([self._next[0]] if self._next else [])]
            counted = set().union(*((*plan.built, *plan.inside) for plan in needed))
            forgotten = self._telemetry.keep(counted, GATEWAY, *(name for plan in needed for name in plan.reaches))
            reaches = {reach for plan in needed for reach in plan.reaches.values()}
            gone = await self._neighbours.let_go(reaches)
            return gone and forgotten and not self._taken  # else what was served a moment ago would be kept for good


def _stood(built: Built) -> Built:
    """The same, which counts now among those that need what it stands on."""
    built.reach.handlers.add(built.handler)
    return built


def _name(route: Route) -> Name:
    return route.function, route.template


def _kept(routes: Iterable[Route]) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for route in routes:
        if route.policy.cache:
            said = (route.policy.cache_keep, route.policy.cache_drop)
            found[route.function] = (*found.get(route.function, ()), said)
    return found
