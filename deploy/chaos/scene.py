"""A running stack as something that faults are done to: what its engine can, and signals to its processes.

Both engines tell the process of every instance (`just ps`), so one scene serves both. When it is left, whatever it
froze goes on, and as many instances run as before.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from deploy import door, rollout
from deploy.chaos import applies, processes, version
from deploy.chaos.edits import Edits
from deploy.chaos.faults import COPIES
from deploy.chaos.offender import offend
from deploy.engine import GATEWAY, Engine, Instance, Refusal
from deploy.front import LOOPBACK
from deploy.rollout import Fleet
from runtime.http.url import Url

Make = Callable[[Path], Engine]

_PATIENCE = 60.0  # seconds in which everything must be ready again
_PAUSE = 0.2  # seconds between two looks
_TOLD = 3  # answers that were wrong


class EngineScene:
    """See deploy.chaos.faults.Scene. `make` gives the engine of the same stack for another checkout.

    `here` is this machine as a gateway names it, if not by the loopback: there it finds the service whose answers are
    odd. `gateways` run from the start. `struck` is when the last signal was sent, by `clock`; None since `look`.
    """

    def __init__(
        self,
        engine: Engine,
        make: Make,
        root: Path,
        here: str = LOOPBACK,
        clock: Callable[[], float] = time.monotonic,
        gateways: int = COPIES,
    ) -> None:
        self._engine = engine
        self._make = make
        self._root = root
        self._here = here
        self._gateways = gateways
        self._service = (LOOPBACK if here == LOOPBACK else "", _free_port())
        self._clock = clock
        self._known: dict[str, Instance] = {}
        self._gone: dict[str, int] = {}
        self._now: Callable[[], Engine] = lambda: engine  # of the checkout that runs
        self.struck: float | None = None

    def look(self) -> None:
        """Learns who runs, before the next fault."""
        self._known = {instance.name: instance for instance in self._engine.ps()}
        self._gone = {}
        self.struck = None

    def instances(self, service: str) -> list[str]:
        return [name for name in self._known if name == service or _of(self._known[name]) == service]

    def scale(self, function: str, instances: int) -> None:
        self._engine.scale(function, instances)

    def kill(self, instance: str) -> None:
        self._signal(instance, SIGKILL)

    def end(self, instance: str) -> None:
        self._signal(instance, SIGTERM)

    def kill_worker(self, instance: str) -> None:
        workers = [pid for pid in processes.below(self._pid(instance)) if "worker process" in processes.title(pid)]
        if not workers:
            raise Refusal(f"{instance} has no workers.")
        self.struck = self._clock()
        processes.send(workers[0], SIGKILL)

    def freeze(self, instance: str, seconds: float) -> None:
        pid = self._pid(instance)
        frozen = [pid, *processes.below(pid)]
        self.struck = self._clock()
        try:
            for each in frozen:
                processes.send(each, SIGSTOP)
            time.sleep(seconds)
        finally:
            for each in frozen:
                processes.send(each, SIGCONT)

    def apply_upstream(self) -> None:
        applies.add_upstream(self._make, self._root, self._odd())

    def apply_limits(self, times: int) -> None:
        applies.edit_limit(self._make, self._root, times)

    def apply_typo(self) -> None:
        applies.mistype(self._make, self._root)

    def add(self) -> None:
        self._edits.add()

    def change(self) -> None:
        self._edits.change()

    def mistype(self) -> None:
        self._edits.mistype()

    def remove(self) -> None:
        self._edits.remove()

    def deploy(self) -> None:
        with self._another_version() as fleet:
            rollout.deploy(fleet)

    def fail_to_deploy(self) -> None:
        with self._another_version() as fleet:
            version.stumble(fleet)

    def roll_back(self) -> None:
        with self._make(self._root).fleet() as fleet:
            rollout.rollback(fleet)

    def offend(self) -> None:
        place = urlsplit(self._engine.address().replace("localhost", LOOPBACK))
        if wrong := offend((place.hostname or "", place.port or 80), self._service):
            raise Refusal(f"{len(wrong)} were not answered as is right: {'; '.join(wrong[:_TOLD])}")

    def until_whole(self) -> bool:
        """Whether in time everything is ready, and nothing that was killed is taken for alive."""
        give_up = time.monotonic() + _PATIENCE
        while not self._whole():
            if time.monotonic() > give_up:
                return False
            time.sleep(_PAUSE)
        return True

    @contextmanager
    def set(self) -> Iterator[None]:
        """For the length of the block every function runs as often as faults want it."""
        self.look()
        functions = {GATEWAY, *self._engine.stores()}
        before = {name: sum(_of(instance) == name for instance in self._known.values()) for name in functions}
        with TemporaryDirectory(prefix="portico-edited-") as folder:
            self._edits = self._developed(Path(folder))
            try:
                for name in functions:
                    self._engine.scale(name, self._gateways if name == GATEWAY else COPIES)
                self.look()
                yield
            finally:
                self._now = lambda: self._engine
                for name, count in before.items():
                    self._engine.scale(name, count)

    def _developed(self, folder: Path) -> Edits:
        """In a copy of the checkout, as those that run are started from it."""
        copy = version.same(self._root, folder)

        def up() -> bool:
            self._now = lambda: self._make(copy)
            return self._now().up()

        return Edits(copy, up, self._status)

    def _status(self, path: str) -> int:
        """0 when nobody answers."""
        with door.opened(self._engine.address(), timeout=10.0) as client:
            return client.get(door.url(client, path)).status_code

    @contextmanager
    def _another_version(self) -> Iterator[Fleet]:
        with TemporaryDirectory(prefix="portico-version-") as folder:
            copy = version.copy(self._root, Path(folder), self._odd())
            with self._make(copy).fleet() as fleet:
                yield fleet

    def _odd(self) -> Url:
        """Where a gateway finds the service whose answers are odd."""
        return Url.parse(f"http://{self._here}:{self._service[1]}")

    def _whole(self) -> bool:
        now = {instance.name: instance for instance in self._now().ps()}
        ready = all(each.state == "ready" for each in now.values())
        return ready and all(name in now and now[name].pid != pid for name, pid in self._gone.items())

    def _signal(self, instance: str, signal: int) -> None:
        pid = self._pid(instance)
        self._gone[instance] = pid
        self.struck = self.struck or self._clock()
        processes.send(pid, signal)

    def _pid(self, instance: str) -> int:
        found = self._known.get(instance)
        if found is None or not found.pid:
            raise Refusal(f"{instance} does not run.")
        return found.pid


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _of(instance: Instance) -> str:
    """The function of an instance."""
    return instance.name.rpartition("-")[0]
