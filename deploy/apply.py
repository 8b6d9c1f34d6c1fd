"""THE order in which running gateways take in another revision of the manifests, whichever engine runs them.

In: who runs, and the revision. Out: nothing is changed anywhere, or all of them serve it. First each builds it beside
what it serves and says so; then it becomes the current one, which a gateway that starts reads; then each takes it, at
once. Whoever started meanwhile is found and told, too.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from deploy.engine import Refusal
from deploy.talk import Talk, all_say

Open = Callable[[], Talk | None]  # None: it does not listen, as one that is about to start, or to end
Running = Callable[[], Mapping[str, Open]]  # the gateways that run at this moment, by name

PATIENCE = 10.0  # seconds in which a gateway has to answer
_STARTING = 30.0  # seconds for which one that is about to start is waited for
_PAUSE = 0.05  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it. `beyond`: why only gateways that start can take it in, a line each; then nothing was changed.
    `late`: gateways that do not answer; they read it when they start.
    """

    revision: str
    changed: bool = True
    beyond: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)


def apply(running: Running, revision: str, serve: Callable[[], None]) -> Applied:
    """`serve` makes it the current one. Raises Refusal when a gateway says no, or nothing; then nothing was changed."""
    with _talks(running) as talks:
        said = all_say(talks, f"prepare {revision}", PATIENCE)
        for talk in talks:
            if said[talk.name] is None and talk.away():
                del said[talk.name]
        beyond = sorted({line for each in said.values() if each and each.rolls for line in each.why})
        if beyond:
            return Applied(revision, changed=False, beyond=beyond)
        for name, answer in said.items():
            if answer is None:
                raise Refusal(
                    f"{name} does not answer, so nothing was changed: look at the state of it with `just ps`."
                )
            if answer.why:
                raise Refusal(f"{name} can't take it in, so nothing was changed: {'; '.join(answer.why)}")
        serve()
        took = {name for name, told in all_say(talks, "take", PATIENCE).items() if told and told.revision == revision}
    return Applied(revision, late=_until_served(running, revision, took))


def _until_served(running: Running, revision: str, took: Collection[str]) -> list[str]:
    """Returns when every gateway that runs serves it, as those do that `took` it: those that don't answer in time."""
    give_up = time.monotonic() + _STARTING
    behind = [name for name in running() if name not in took]
    while behind:
        with _talks(running) as talks:
            again = [talk for talk in talks if talk.name in behind]
            all_say(again, f"prepare {revision}", PATIENCE)
            all_say(again, "take", PATIENCE)
        behind = [name for name, served in which(running).items() if served != revision]
        if behind and time.monotonic() > give_up:
            return behind
        time.sleep(_PAUSE)
    return []


def which(running: Running) -> dict[str, str]:
    """The revision that each gateway serves; "" of one that does not say."""
    there = running()
    with _talks(lambda: there) as talks:
        said = all_say(talks, "which", PATIENCE)
    found = {name: answer.revision for name, answer in said.items() if answer}
    return {name: found.get(name, "") for name in there}


@contextmanager
def _talks(running: Running) -> Iterator[list[Talk]]:
    """With everybody who listens, for the length of the block."""
    with ExitStack() as stack:
        talks = []
        for opened in running().values():
            if talk := opened():
                stack.callback(talk.close)
                talks.append(talk)
        yield talks
