"""The manifests that gateways and nginx serve, on either engine, and what a rollout does about them.

In: the checkout, where revisions are kept, and the gateways that run. Out: what came of it. It starts nothing.
"""

from collections.abc import Callable
from pathlib import Path

from deploy import apply
from deploy.apply import Applied, Running
from deploy.engine import GATEWAY, Refusal
from deploy.revisions import Revisions
from functions.gateway.changes import Manifests as ByName
from functions.gateway.changes import beyond, by_name, instances
from functions.gateway.routes import compile_routes
from runtime.manifest import read_all


class Manifests:
    """Those of one stack; `checkout` is the folder of its functions. `reload`: has nginx read again what it takes."""

    def __init__(self, checkout: Path, revisions: Revisions, running: Running, reload: Callable[[], None]) -> None:
        self.revisions = revisions
        self._checkout = checkout
        self._running = running
        self._reload = reload

    def keep(self) -> str:
        """The checkout's, as a revision. Raises ManifestError with everything that is wrong with them."""
        compile_routes(read_all(self._checkout))
        return self.revisions.take(self._checkout)

    def begin(self) -> None:
        """A stack that starts serves the checkout's. Raises ManifestError."""
        self.revisions.serve(self.keep())

    def moves(self, revision: str) -> list[str]:
        """What `revision` has instances do that the current one does not; a line each."""
        return instances(self._read(self.revisions.current), self._read(revision))

    def beyond(self, before: str, revision: str) -> list[str]:
        """What only gateways that start can take in of it, where `before` is served; a line each."""
        return beyond(self._read(before), self._read(revision), GATEWAY) if before else []

    def apply(self, revision: str) -> Applied:
        """Has every gateway that runs take it in, and nginx what it says of bodies. Raises Refusal."""
        before = self.revisions.current
        if before == revision and not any(served != revision for served in self.served().values()):
            return Applied(revision, changed=False)
        applied = apply.apply(self._running, revision, lambda: self.revisions.serve(revision))
        if not applied.beyond:
            self.tell_front(before)
        self.revisions.prune()
        return applied

    def apply_checkout(self) -> Applied:
        """The same of the checkout's; where that has instances start or end, or be others, nothing is changed."""
        revision = self.keep()
        if moves := [*self.moves(revision), *self.beyond(self.revisions.current, revision)]:
            return Applied(revision, changed=False, beyond=moves)
        return self.apply(revision)

    def tell_front(self, before: str) -> None:
        """Has nginx read what it takes of bodies, where that is another than by `before`."""
        if self.revisions.bodies(before) != self.revisions.bodies(self.revisions.current):
            self._reload()

    def served(self) -> dict[str, str]:
        """The revision of each gateway that runs; "" of one that does not say."""
        return apply.which(self._running)

    def _read(self, revision: str) -> ByName:
        folder = self.revisions.path(revision)
        return by_name(read_all(folder)) if revision and folder.is_dir() else {}


class Turn:
    """The manifests' part of one rollout. `rolls`: gateways that run can't take in what is new."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests
        self._before = manifests.revisions.current
        self._previous = manifests.revisions.previous
        self._revision = self._before
        self.rolls = False

    @property
    def changed(self) -> bool:
        return self._revision != self._before

    @property
    def folder(self) -> Path:
        """Where those lie that are to be served."""
        return self._manifests.revisions.path(self._revision)

    def take(self) -> None:
        """The checkout's. Raises ManifestError."""
        self._take(self._manifests.keep())

    def take_previous(self) -> None:
        """Those that the last deploy replaced, if it replaced any, or others came since."""
        self._take(self._previous or self._before)

    def remember(self) -> None:
        """What is served now is what this rollout replaces."""
        self._manifests.revisions.remember(self._before)

    def apply(self, *, replacing: bool) -> bool:
        """Whether they are others. `replacing`: gateways are replaced next, and begin with them in any case."""
        if not self.changed:
            return False
        if not self._taken(self._revision, tolerant=replacing):
            self._serve(self._revision)
        return True

    def turn_back(self) -> None:
        """Those of before are served again."""
        self._manifests.revisions.remember(self._previous)
        if self._manifests.revisions.current != self._before and not self._taken(self._before, tolerant=True):
            self._serve(self._before)

    def _taken(self, revision: str, *, tolerant: bool) -> bool:
        """Whether gateways that run have taken it in. Raises Refusal where they say no, unless it is `tolerant`."""
        try:
            return not self._manifests.apply(revision).beyond
        except Refusal:
            if not tolerant:
                raise
            return False

    def _take(self, revision: str) -> None:
        self._revision = revision
        self.rolls = bool(self._manifests.beyond(self._before, revision))

    def _serve(self, revision: str) -> None:
        """By gateways that start from now on."""
        before = self._manifests.revisions.current
        self._manifests.revisions.serve(revision)
        self._manifests.tell_front(before)
