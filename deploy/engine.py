"""What an engine is: something that starts, stops and counts the instances of one stack, on Docker or without.

The verbs are written against this protocol and know no engine. An engine prints nothing: it tells `say` what it is
about to do, and it either does it or raises Refusal.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.apply import Applied
    from deploy.backup.store import Store
    from deploy.known import Metrics
    from deploy.rollout import Fleet

GATEWAY = "gateway"
NOTHING = "Nothing is running: start it with `just up`."
MOST_INSTANCES = 16  # of one function on one machine

Say = Callable[[str], None]


class Refusal(Exception):
    """Why a verb was not carried out: one sentence with the cause and the next step, for a person to read."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One running copy. `uptime` is in seconds, None when it does not run; `pid` is 0 then. `revision`: a gateway's."""

    name: str
    address: str
    state: str
    pid: int = 0
    uptime: float | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that an instance wrote; `time` is in Unix seconds where it is kept beside the line, else 0."""

    instance: str
    text: str
    time: float = 0.0


class Engine(Protocol):
    """One stack. Each method raises Refusal for what can't be done; those below `scale` also when nothing
    runs, but for `require_ports`.
    """

    def up(self) -> bool:
        """Starts whatever is missing and returns when all of it is ready; False when nothing had to be done.

        When that fails, what this call started is stopped again.
        """

    def down(self, *, data: bool) -> bool:
        """Stops everything, letting requests in flight finish; with `data` also deletes databases and secrets.

        False when nothing ran.
        """

    def scale(self, function: str, instances: int) -> bool:
        """Returns when `instances` (0 to 16) of `function` are ready and no more run; False when that was so before."""

    def apply(self) -> "Applied":
        """Has running gateways take in the checkout's manifests, all of them or none. Raises ManifestError, too."""

    def ps(self) -> list[Instance]:
        """Every instance that should run, from the front door inwards."""

    def logs(self, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
        """What a function or an instance ("": all) wrote, then None, and with `follow` each new line, for ever.

        All that is kept and was written from `since` (Unix seconds) on, or older; None: the end of it is enough.
        """

    def run(self, function: str, module: str, *arguments: str) -> int:
        """Runs `module` once with the function's settings and this terminal; its exit code."""

    def stores(self) -> "Mapping[str, Store]":
        """The database of every function that has one, by the function's name."""

    def paused(self) -> AbstractContextManager[None]:
        """For the length of the block the functions with a database are stopped; then as many run, and are ready."""

    def signing_keys(self) -> "Path":
        """The folder of the keys that tokens are signed with, which running functions look into."""

    def migrate(self) -> None:
        """Brings every function's schema up to date."""

    def fleet(self) -> "AbstractContextManager[Fleet]":
        """For the length of the block: what is asked to deploy and to roll back."""

    def pages(self) -> "Mapping[str, Metrics]":
        """A way to read the metrics of each gateway that runs, by its name."""

    def require_ports(self) -> None:
        """Raises Refusal that names one which an `up` would need and can't have; asked while nothing runs."""

    def address(self) -> str:
        """Where the front door listens, "http://host:port"; whoever listens there without a stack is told no token."""
