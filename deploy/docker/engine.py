"""The engine on Docker: docker-compose.yml as it runs in production, driven by `docker compose`.

Compose decides what to start and in which order; this counts instances, waits, and says it in the words of the verbs.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy import front, rollout
from deploy.apply import Applied
from deploy.checked import check
from deploy.docker import connections, control, images, logs, nginx, secrets, settled
from deploy.docker import place as places
from deploy.docker.compose import Compose
from deploy.docker.daemon import Daemon
from deploy.docker.fleet import DockerFleet
from deploy.docker.listing import instance, place, published, service, sick
from deploy.docker.metrics import pages
from deploy.engine import GATEWAY, MOST_INSTANCES, NOTHING, Instance, Line, Refusal, Say
from deploy.front import Front
from deploy.known import Metrics, until_known
from deploy.local import ports
from deploy.manifests import Manifests
from deploy.revisions import Revisions
from deploy.undisturbed import undisturbed
from runtime.manifest import run_here

if TYPE_CHECKING:
    from deploy.backup.store import Store

# In the database's own container: its superuser's password never leaves it, and what is made belongs to the owner.
_AS_SUPERUSER = 'PGPASSWORD=$(cat /run/secrets/postgres-password) exec "$0" "$@"'
_OWNED = "postgresql://postgres@127.0.0.1/{name}?options=-c%20role%3D{name}_owner"
# An attestation holds the time of its build: with one, nothing that is built again would be the same image.
_SAME_IDENTITY = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


class DockerEngine:
    """See deploy.engine.Engine. Its state is below PORTICO_STATE; deploy/docker/place.py says what it is called."""

    def __init__(self, root: Path, environment: Mapping[str, str], say: Say, *, developing: bool = False) -> None:
        state = Path(environment.get("PORTICO_STATE") or root / ".portico").absolute() / "docker"
        self._root = root
        self._say = say
        self._secrets = state / "secrets"
        self._port = environment.get("PORT") or "8080"
        self._local_bases = environment.get("BASE_IMAGES") == "local"
        self._state, self._asked = state, environment
        self._place = places.find(root, state, environment, Daemon())
        self._functions = run_here(root / "functions")
        settings = {"SECRETS": str(self._secrets), "CA_BUNDLE": images.ca_bundle(environment), **_SAME_IDENTITY}
        self._front = Front.read(environment)
        settings |= self._front.variables | {"TLS_VERSION": front.identity(self._secrets / "tls")}
        revisions = Revisions(state / "manifests")
        settings |= {"REVISIONS": str(revisions.folder), "FRONT_SUBNET": self._place.subnet}
        settings |= {name: front.bracketed(host) for name, host in self._front.published.items()}
        settings |= connections.settings(len(self._with_data()))
        settings |= {"LOG_FORMAT": "json"} if developing else {}  # whoever follows the log makes it readable
        files = [
            "docker-compose.yml",
            *(["compose.override.yml"] if developing else []),
            *(["deploy/docker/tls.yml"] if self._front.tls else []),
        ]
        self._compose = Compose(root, self._place.project, files, settings)
        gateways = control.running(lambda: self._compose.running(GATEWAY))
        self._manifests = Manifests(root / "functions", revisions, gateways, self._reload)
        self._developing = developing

    def up(self) -> bool:
        if self._identities() and not self._developing:
            self._take_place()
            return bool(rollout.deploy(self._fleet()))  # which reads the checkout first
        check(self._root)
        self._take_place()
        self._build()
        before, data = self._identities(), self._compose.volumes()
        if not before:
            self._manifests.begin()
        self._say("Starting PostgreSQL, Redis, the functions, the gateway and nginx")
        try:
            self._compose.call("up", "--detach", "--wait", "--remove-orphans", *self._more_than_one())
        except Refusal as refusal:
            raise Refusal(plainly(f"{refusal} {self._last_words()}".strip(), data)) from None
        finally:
            with undisturbed():
                if not before and not self._everything_runs():
                    self._compose.call("down", "--timeout", "10", *([] if data else ["--volumes"]))
        self._until_known()
        return self._identities() != before

    def images(self) -> dict[str, int]:
        """Builds the image of every function; their sizes in bytes by name."""
        self._take_place()
        self._build()
        return {tag: images.size(tag) for tag in self._tags().values()}

    def down(self, *, data: bool) -> bool:
        ran = bool(self._identities())
        self._compose.call("down", "--remove-orphans", *(["--volumes"] if data else []))
        self._compose.forget_networks()
        if data:
            shutil.rmtree(self._secrets, ignore_errors=not self._secrets.exists())
        return ran

    def scale(self, function: str, instances: int) -> bool:
        self._require_running()
        if function not in self._functions:
            raise Refusal(f"There is no function {function}: there are {', '.join(self._functions)}.")
        if not 0 <= instances <= MOST_INSTANCES:
            raise Refusal(f"Can't run {instances} instances of {function}; use 0 to {MOST_INSTANCES}.")
        before = self._identities()
        scale = f"{function}={instances}"
        self._compose.call("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--scale", scale, function)
        self._until_known()
        return self._identities() != before

    def apply(self) -> Applied:
        if not self._compose.running(GATEWAY):  # which is told sooner than who else runs
            self._require_running()
        self._refuse_developing()
        return self._manifests.apply_checkout()

    def ps(self) -> list[Instance]:
        self._require_running()
        found = [instance(container) for container in sorted(self._compose.containers(), key=place)]
        served = self._manifests.served()
        return [replace(each, revision=served.get(each.name, "")) for each in found]

    def logs(self, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
        self._require_running()
        running = [instance(container).name for container in sorted(self._compose.containers(), key=place)]
        return logs.told(self._compose, running, name, since=since, follow=follow)

    def run(self, function: str, module: str, *arguments: str) -> int:
        self._require_running()
        return self._compose.attached("run", "--rm", "--no-deps", function, "python", "-m", module, *arguments)

    def stores(self) -> "dict[str, Store]":
        from deploy.backup.postgres import Postgres  # noqa: PLC0415  who only looks needs none

        self._require_running()
        reach = self._compose.command("exec", "--no-TTY", "postgres", "sh", "-c", _AS_SUPERUSER)
        return {name: Postgres(_OWNED.format(name=name), reach) for name in self._with_data()}

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._require_running()
        counts = {name: self._counts()[name] for name in self._with_data()}
        try:
            self._say(f"Stopping {', '.join(counts)}")
            self._compose.call("stop", *counts)
            yield
        finally:
            with undisturbed():
                try:
                    self._say(f"Starting {', '.join(counts)}")
                finally:  # also where nobody listens any more
                    self._compose.call("stop", *counts)  # whoever was about to end, as the first was interrupted
                    kept = ("--no-deps", "--no-recreate", *scales(counts), *counts)
                    self._compose.call("up", "--detach", "--wait", *kept)
                    self._until_known()

    def migrate(self) -> None:
        for name in self._with_data():
            self._compose.call("run", "--rm", "--no-deps", "--no-TTY", f"{name}-migrate")

    def signing_keys(self) -> Path:
        self._require_running()
        return self._secrets / "signing"

    @contextmanager
    def fleet(self) -> Iterator[DockerFleet]:
        self._require_running()
        self._refuse_developing()
        yield self._fleet()

    def _fleet(self) -> DockerFleet:
        return DockerFleet(
            self._compose,
            self._tags(),
            root=self._root,
            with_data=self._with_data(),
            manifests=self._manifests,
            build=self._build,
            settle=self._bring_in_line,
            say=self._say,
        )

    def _bring_in_line(self, counts: Mapping[str, int]) -> bool:
        """Also what is no function; whether anything was otherwise."""
        before = self._identities()
        settled.settle(self._compose, scales(counts))
        self._until_known()
        return self._identities() != before

    def pages(self) -> dict[str, Metrics]:
        return pages(each for each in self._compose.containers() if service(each) == GATEWAY)

    def require_ports(self) -> None:
        for host in {self._front.plain, self._front.bind} if self._front.tls else {self._front.plain}:
            port = self._port if host == self._front.plain else self._front.port
            ports.require(host, int(port), "end it, or choose another with PORT=9080 just up")

    def address(self) -> str:
        self._require_running()
        return front.url("http", *(published(self._compose.containers("nginx")) or (self._front.plain, self._port)))

    def _take_place(self) -> None:
        """From now on this stack has its name, and a range for its front network that can be had."""
        if self._place.why:
            self._say(self._place.why)
        self._place = places.settle(self._state, self._place, self._asked, Daemon())
        self._compose.tell("FRONT_SUBNET", self._place.subnet)

    def _tags(self) -> dict[str, str]:
        """By function, as the compose files name its image."""
        services = self._compose.services()
        return {name: str(services[name]["image"]) for name in self._functions if name in services}

    def _with_data(self) -> list[str]:
        return [name for name in self._functions if (self._root / "functions" / name / "schema").is_dir()]

    def _build(self) -> None:
        secrets.write(self._secrets, [name for name in self._functions if name != GATEWAY])
        if self._local_bases:
            images.build_bases(self._root, self._say)
        self._compose.tell("TLS_VERSION", front.keep(self._front, self._secrets / "tls", 0o444))
        self._say("Building the images of the functions")
        self._compose.call("build")

    def _counts(self) -> Counter[str]:
        return Counter(service(container) for container in self._compose.containers())

    def _more_than_one(self) -> list[str]:
        """Keeps what was scaled up before: Compose would go back to one of each."""
        return scales({name: count for name, count in self._counts().items() if name in self._functions and count > 1})

    def _everything_runs(self) -> bool:
        return bool(self._identities()) and not self._failed()

    def _failed(self) -> list[dict[str, Any]]:
        """Containers that ended badly, are sick or never started."""
        containers = self._compose.containers(ended=True)
        return [container for container in containers if sick(container["State"])]

    def _last_words(self) -> str:
        """What the containers that failed said last."""
        said = [
            (service(failed), self._compose.call("logs", "--no-log-prefix", "--tail", "1", service(failed)))
            for failed in self._failed()
        ]
        return " ".join(f"{service} said: {words.strip()}" for service, words in said if words.strip())

    def _until_known(self) -> None:
        containers = self._compose.containers()
        until_known(self.pages(), Counter(map(service, containers)))

    def _identities(self) -> set[str]:
        return {container["Id"] for container in self._compose.containers()}

    def _reload(self) -> None:
        nginx.read_again(self._compose.running("nginx").values())

    def _refuse_developing(self) -> None:
        if self._developing:
            raise Refusal("In the developer's view what is saved runs already: `just up` is what can be deployed to.")

    def _require_running(self) -> None:
        if not self._identities():
            raise Refusal(NOTHING)


def scales(counts: Mapping[str, int]) -> list[str]:
    """The options of `up` that have so many run; Compose takes them for services that it is to bring up alone."""
    return [part for name, count in counts.items() for part in ("--scale", f"{name}={count}")]


def plainly(said: str, volumes: list[str]) -> str:
    """What went wrong at a start, with the next step where the cause is known."""
    if "password authentication failed" not in said:
        return said
    volume = volumes[0] if volumes else "its volume"
    return (
        f"The data in {volume} was made with other secrets than those in .portico: bring those back, "
        f"or delete the data for good with `docker volume rm {volume}`."
    )
