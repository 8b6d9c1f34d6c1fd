"""How a gateway reaches its functions, revision after revision: whom it watches, and what the routes of each share.

In: manifests. Out: a Reach for each function, the same one for as long as its manifest says the same of that. What no
revision and no request needs any more is let go. It decides nothing about requests.
"""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakSet

from functions.gateway.instances.watch import Instances, Membership
from functions.gateway.stages.forward.client import Client
from functions.gateway.upstreams import Upstream, unhook, upstream
from runtime.manifest import Manifest

if TYPE_CHECKING:
    from functions.gateway.exchange import Handler

Elsewhere = Callable[[Manifest], Instances]  # who knows where a service is that is somebody else's to run
Opened = Callable[[str], Callable[[], None]]  # by function, who is told of each circuit that opens


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom a function's requests may go to, and who knows."""

    members: Membership
    instances: Instances


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """One function. `handlers`: those built on it that are in a table, or serve a request."""

    manifest: Manifest
    watch: Watch
    upstream: Upstream
    handlers: "WeakSet[Handler]" = field(default_factory=WeakSet)


class Neighbours:
    """All functions; `here` knows those that are run here."""

    def __init__(self, here: Instances, elsewhere: Elsewhere, client: Client, opened: Opened) -> None:
        self._here = here
        self._elsewhere = elsewhere
        self._client = client
        self._opened = opened
        self._known: list[Reach] = []

    async def reach(self, manifest: Manifest) -> Reach:
        """The members of the function have been asked for once when this returns."""
        before = next((each for each in reversed(self._known) if _at_the_same(each.manifest, manifest)), None)
        watch = before.watch if before else await self._watch(manifest)
        had = (before.manifest, before.upstream) if before else None
        opened = self._opened(manifest.name)
        made = upstream(manifest, watch.members, self._client, random.random, opened, had)
        if before and made is before.upstream:
            return before
        self._known.append(Reach(manifest, watch, made))
        return self._known[-1]

    async def let_go(self, needed: Collection[Reach]) -> bool:
        """Of what is neither needed nor serves a request; whether that is all that is not needed."""
        gone = [each for each in self._known if each not in needed and not each.handlers]
        self._known = [each for each in self._known if each not in gone]
        circuits = {id(each.upstream.circuits) for each in self._known}
        watches = {id(each.watch) for each in self._known}
        for each in gone:
            if id(each.upstream.circuits) not in circuits:
                circuits.add(id(each.upstream.circuits))
                unhook(each.upstream.circuits, each.watch.members, self._client)
            if id(each.watch) not in watches:
                watches.add(id(each.watch))
                await each.watch.instances.leave(each.watch.members.name)
        return len(self._known) == len(needed)

    async def close(self) -> None:
        """Watches nobody any more."""
        for instances in [self._here, *(each.watch.instances for each in self._known)]:
            await instances.close()

    async def _watch(self, manifest: Manifest) -> Watch:
        instances = self._elsewhere(manifest) if manifest.upstream else self._here
        watch = Watch(await instances.watch(manifest.name), instances)
        watch.members.on_left(self._client.forget)
        return watch


def _at_the_same(one: Manifest, other: Manifest) -> bool:
    """Whether both are of the same function, and of the same place where others run it."""
    return (one.name, one.upstream) == (other.name, other.upstream)
