"""The engine without Docker: nginx, Redis and the functions as plain processes of one machine, kept by supervisord.

What should run is written down as program files; supervisord is brought in line with them. A verb that changes
something holds the stack's lock, so that two at once can't cross.
"""

import fcntl
import json
import os
import resource
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import rollout
from deploy.apply import Applied
from deploy.checked import check
from deploy.engine import GATEWAY, MOST_INSTANCES, NOTHING, Instance, Line, Refusal, Say
from deploy.front import LOOPBACK, url
from deploy.known import Metrics, until_known
from deploy.local import control, logs, nginx, once, ports, readiness, secrets
from deploy.local.databases import Databases
from deploy.local.fleet import LocalFleet
from deploy.local.layout import Layout, settled
from deploy.local.listing import listed
from deploy.local.orphans import ended, left
from deploy.local.pause import paused
from deploy.local.releases import Releases
from deploy.local.roster import Roster
from deploy.local.supervisor import config
from deploy.local.supervisor.client import Supervisor
from deploy.manifests import Manifests
from deploy.revisions import Revisions
from deploy.undisturbed import undisturbed

if TYPE_CHECKING:
    from deploy.backup.store import Store

_FILES = 65536  # descriptors a program may open, if the system lets it: a request holds several


class LocalEngine:
    """See deploy.engine.Engine. `root` is the checkout, `environment` what PORT, BIND and the like are read from."""

    def __init__(self, root: Path, environment: Mapping[str, str], say: Say, *, developing: bool = False) -> None:
        self._environment = environment
        self._say = say
        asked = replace(Layout.read(root, environment), developing=developing)
        self._supervisor = Supervisor(asked.socket, asked.run / "supervisord.conf")
        self._layout = settled(asked) if self._supervisor.running() else asked
        self._asked = asked
        self._databases = Databases(self._layout, say)
        self._roster = Roster(self._layout)
        self._releases = Releases(root, self._layout.releases)
        gateways = control.running(self._layout, self._supervisor.processes)
        self._manifests = Manifests(self._layout.manifests, Revisions(self._layout.revisions), gateways, self._reload)

    def up(self) -> bool:
        with self._alone():
            if self._supervisor.running():
                self._refuse_another_place()
                return self._mend()
            check(self._layout.root)
            ended(self._layout, self._roster.programs, self._say)
            self._start()
            return True

    def down(self, *, data: bool) -> bool:
        with self._alone():
            ran = self._supervisor.running()
            if ran:
                self._stop()
            ran = ended(self._layout, self._roster.programs, self._say) or ran
            if data:
                for folder in (self._layout.data, self._layout.secrets):
                    shutil.rmtree(folder, ignore_errors=not folder.exists())
        return ran

    def scale(self, function: str, instances: int) -> bool:
        self._require_running()
        if function not in self._layout.functions:
            raise Refusal(f"There is no function {function}: there are {', '.join(self._layout.functions)}.")
        if not 0 <= instances <= MOST_INSTANCES:
            raise Refusal(f"Can't run {instances} instances of {function}; use 0 to {MOST_INSTANCES}.")
        with self._alone():
            before = self._roster.instances()
            self._require_slots(function, range(before[function] + 1, instances + 1))
            try:
                return self._resize(function, before | {function: instances})
            except BaseException:
                with undisturbed():
                    self._resize(function, before, wait=False)
                raise

    def ps(self) -> list[Instance]:
        self._require_running()
        return listed(self._roster, self._supervisor.processes(), self._manifests.served())

    def apply(self) -> Applied:
        self._require_deployable()
        with self._alone():
            return self._manifests.apply_checkout()

    def logs(self, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
        return logs.told(self._layout, self._running, name, since=since, follow=follow)

    def run(self, function: str, module: str, *arguments: str) -> int:
        self._require_running()
        return once.run(self._layout, function, module, *arguments).returncode

    def stores(self) -> "dict[str, Store]":
        self._require_running()
        return self._databases.stores()

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._require_running()
        with self._alone():
            counts = self._roster.instances()
            names = [f"{name}-{number}" for name in self.stores() for number in range(1, counts[name] + 1)]
            with paused(self._supervisor, names, self._say, self._until_ready):
                yield

    def migrate(self) -> None:
        for function in self._databases.functions():
            self._databases.migrate(function)

    def signing_keys(self) -> Path:
        self._require_running()
        return self._layout.secrets / "signing"

    @contextmanager
    def fleet(self) -> Iterator[LocalFleet]:
        self._require_deployable()
        with self._alone():
            yield self._fleet()

    def pages(self) -> dict[str, Metrics]:
        self._require_running()
        return readiness.pages(self._roster.programs(), self._layout.slots(GATEWAY))

    def require_ports(self) -> None:
        """The front door's, Redis', those of what will run, and every gateway slot, as nginx sends requests to all."""
        layout = self._layout
        for host, port in ((layout.bind, layout.port), (LOOPBACK, layout.redis_port), (LOOPBACK, layout.cache_port)):
            ports.require(host, port, "end it, or choose others with PORT=9080 just up")
        for function, count in (self._roster.instances() | {GATEWAY: MOST_INSTANCES}).items():
            self._require_slots(function, range(1, count + 1))

    def address(self) -> str:
        self._require_running()
        return url("http", self._layout.bind, self._layout.port)

    def _start(self) -> None:
        self.require_ports()
        self._say("Writing configuration and secrets")
        self._manifests.begin()
        self._prepare()
        self._take_source()
        nginx.render(self._layout)
        nginx.check(self._layout, self._roster.binaries().nginx)
        self.migrate()
        self._roster.write(self._roster.instances())
        self._say("Starting Redis, the functions, the gateway and nginx")
        try:
            self._supervisor.start()
            self._roster.release(self._supervisor.processes())
            self._until_ready()
        except BaseException:
            with undisturbed():
                if self._supervisor.running():
                    self._stop()
            raise

    def _mend(self) -> bool:
        """Brings what runs in line with the checkout; whether there was anything to do."""
        if not self._layout.developing:
            return bool(rollout.deploy(self._fleet()))
        check(self._layout.root)
        if rendered := nginx.render(self._layout):
            self._reload()
        revived = self._supervisor.revive()
        secrets.add(self._layout, self._environment)
        self.migrate()
        self._roster.write(self._roster.instances())
        changed = self._supervisor.update()
        self._roster.release(self._supervisor.processes())
        self._until_ready()
        return self._manifests.apply(self._manifests.keep()).changed or changed or rendered or revived

    def _fleet(self) -> LocalFleet:
        return LocalFleet(
            self._layout,
            roster=self._roster,
            releases=self._releases,
            manifests=self._manifests,
            supervisor=self._supervisor,
            environment=self._environment,
            until_ready=self._until_ready,
            say=self._say,
        )

    def _reload(self) -> None:
        nginx.read_again(self._layout, self._roster.binaries().nginx, self._supervisor.processes()["nginx"].pid)

    def _require_deployable(self) -> None:
        self._require_running()
        if self._layout.developing:
            raise Refusal("In the developer's view what is saved runs already: `just up` is what can be deployed to.")

    def _take_source(self) -> None:
        """Makes the checkout what runs, as while developing it is anyway."""
        if self._layout.developing:
            return
        self._releases.adopt({name: self._releases.take(name) for name in self._layout.functions})
        for function in self._layout.functions:
            self._releases.prune(function)

    def _stop(self) -> None:
        """From the outside in, so that what is in flight still finds what it needs."""
        tiers: dict[int, list[str]] = {}
        for program in self._roster.programs():
            tiers.setdefault(program.tier, []).append(program.name)
        for _, names in sorted(tiers.items(), reverse=True):
            self._say(f"Stopping {', '.join(names)}")
            self._supervisor.stop(names)
        self._supervisor.shutdown()

    def _resize(self, function: str, counts: Mapping[str, int], *, wait: bool = True) -> bool:
        """Makes so many of `function` run, now and after the next `up`, and touches no other; whether any changed."""
        had = self._supervisor.processes()
        self._roster.resize(function, counts)
        changed = self._supervisor.update(self._layout.slots(function))
        self._roster.release(self._supervisor.processes())
        if wait:
            self._until_ready(seen=[name for name in self._layout.slots(GATEWAY) if name not in had])
        return changed

    def _until_ready(self, seen: list[str] | None = None) -> None:
        """Also until gateways know whom they forward to, and nginx those gateways of `seen` that are there."""
        known = self._supervisor.processes()
        everything = [program for program in self._roster.programs() if program.name in known]
        readiness.until_ready(everything, self._supervisor.processes, self._layout.log)
        gateways = readiness.pages(everything, self._layout.slots(GATEWAY))
        until_known(gateways, Counter(program.name.rpartition("-")[0] for program in everything))
        readiness.until_seen(everything[-1], gateways.keys() & set(seen or ()))

    def _prepare(self) -> None:
        layout = self._layout
        shutil.rmtree(layout.members, ignore_errors=True)  # whoever was a member ended with the last supervisord
        for folder in (layout.run, layout.logs, layout.data, layout.members, layout.nginx):
            folder.mkdir(parents=True, exist_ok=True)
        for private in (layout.data, layout.logs):  # a trial's log and supervisord's own are readable in there
            private.chmod(0o700)
        secrets.write(layout, self._environment)
        (layout.run / "place.json").write_text(json.dumps({"port": layout.port, "bind": layout.bind}))
        files = min(_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        text = config.daemon(layout.programs, user="root" if os.geteuid() == 0 else "", files=files)
        (layout.run / "supervisord.conf").write_text(text)

    def _require_running(self) -> None:
        if self._supervisor.running():
            return
        if orphans := left(self._layout):
            who = ", ".join(map(str, orphans))
            raise Refusal(f"supervisord is gone, and has left {who}: `just up` starts anew, `just down` ends them.")
        raise Refusal(NOTHING)

    def _running(self, name: str) -> list[str]:
        """The instances that `name` stands for, as `logs` understands it; none once the stack is down."""
        if not self._supervisor.running():
            return []
        found = sorted(self._supervisor.processes())
        return [each for each in found if name in ("", each, each.rpartition("-")[0])]

    def _require_slots(self, function: str, numbers: range) -> None:
        for number in numbers:
            ports.require(LOOPBACK, self._layout.slot(function, number), f"end it, {function}-{number} belongs there")

    def _refuse_another_place(self) -> None:
        """What a stack was started with stays until it is stopped."""
        now, asked = self._layout, self._asked
        for name, has, wants in (("PORT", now.port, asked.port), ("BIND", now.bind, asked.bind)):
            if self._environment.get(name) and has != wants:
                raise Refusal(f"The stack runs with {name}={has}: `just down` first, then `{name}={wants} just up`.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._layout.run.mkdir(parents=True, exist_ok=True)
        with (self._layout.run / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refusal("Another command is changing this stack: wait until it is done.") from None
            yield
