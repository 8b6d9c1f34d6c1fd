"""A stack of its own beside any other, on either engine, told what to do by the verbs that a user gives."""

import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testcontainers.compose import DockerCompose

from deploy.front import identity
from deploy.local import blocks
from deploy.local.supervisor.client import Supervisor
from tests.ports import free_base

ROOT = Path(__file__).parents[2]
SPAN = blocks.span(blocks.assign({}, ["gateway", "one", "two", "three"]))


@dataclass(frozen=True)
class Row:
    """A row of `just ps`."""

    name: str
    address: str
    state: str
    pid: int


def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds; a test that waits in vain is ended by its timeout."""
    while not condition():
        time.sleep(0.02)


class Stack(ABC):
    """A running stack; `run` gives a verb as a user does, and one that fails fails the test with what it said."""

    engine: str
    root = ROOT  # the checkout that it is made from

    def __init__(self, state: Path, port: int, **settings: str) -> None:
        self.state = state
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        mine = {"ENGINE": self.engine, "PORTICO_STATE": str(state), "PORT": str(port), **settings}
        self.environment = os.environ | mine
        self._scaled: set[str] = set()
        self._kept: list[str] = []  # logs of instances that are no more

    def run(self, *arguments: str | int | Path) -> str:
        """What it printed."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, *arguments: str | int | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it."""
        command = [sys.executable, "-m", "deploy", *map(str, arguments)]
        mine = self.environment | environment
        return subprocess.run(command, cwd=self.root, env=mine, capture_output=True, text=True, check=False)

    def scale(self, instances: int, name: str = "gateway") -> None:
        """Returns when that many are ready; after the test there is one again."""
        self._scaled.add(name)
        self.run("scale", instances, name)

    @property
    def tls_port(self) -> int:
        return self.port + 9

    @property
    @abstractmethod
    def certificate(self) -> Path:
        """The front door's."""

    def restore(self) -> None:
        """One of each, ready."""
        if self._scaled:
            self._kept.append(self._written())
        while self._scaled:
            self.run("scale", 1, self._scaled.pop())
        self.until_ready()

    def instances(self, function: str = "") -> list[Row]:
        """All, or those of one function."""
        rows = (line.split()[:4] for line in self.run("ps").splitlines()[1:])
        return [
            Row(name, address, state, int(pid) if pid.isdigit() else 0)
            for name, address, state, pid in rows
            if name == function or name.rpartition("-")[0] == function or not function
        ]

    def kill(self, instance: str) -> None:
        """As a crash does it: it gets no time to say anything."""
        os.kill(next(row.pid for row in self.instances() if row.name == instance), signal.SIGKILL)

    def until_ready(self) -> None:
        """Returns when every instance is ready (again)."""
        until(lambda: {row.state for row in self.instances()} == {"ready"})

    @abstractmethod
    def stop(self, instance: str) -> None:
        """Returns when it is gone; it stays away until `start`."""

    @abstractmethod
    def start(self, instance: str) -> None:
        """Brings back what was stopped; returns when it is ready."""

    def logs(self) -> str:
        """What everything has written, also what is no more."""
        return "\n".join([*self._kept, self._written()])

    @property
    @abstractmethod
    def secrets(self) -> Path:
        """The folder with its passwords and keys."""

    @abstractmethod
    def _written(self) -> str:
        """What is there to be read now."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """What is still there of it, once it is down without its data."""


class LocalStack(Stack):
    """Plain processes."""

    engine = "local"

    def __init__(self, state: Path, port: int, **settings: str) -> None:
        super().__init__(state, port, **settings)
        self._supervisor = Supervisor(state / "run/supervisor.sock", state / "run/supervisord.conf")

    def stop(self, instance: str) -> None:
        self._supervisor.stop([instance])

    def start(self, instance: str) -> None:
        self._supervisor.restart(instance)
        self.until_ready()

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    def _written(self) -> str:
        return "\n".join(file.read_text() for file in sorted((self.state / "logs").glob("*.log*")))

    @property
    def certificate(self) -> Path:
        return self.state / "secrets/tls/certificate.pem"

    def leftovers(self) -> list[str]:
        return [str(file) for name in ("data", "secrets") for file in (self.state / name).rglob("*")]


class DockerStack(Stack):
    """Containers, from docker-compose.yml alone."""

    engine = "docker"

    def __init__(self, state: Path, port: int, project: str, **settings: str) -> None:
        super().__init__(state, port, **settings | {"PORTICO_PROJECT": project, "EXPOSE_INSTANCE": "1"})
        self.project = project

    def compose(self) -> DockerCompose:
        """The same stack, for testcontainers to bring up and to take down with its volumes."""
        told = {
            "COMPOSE_PROJECT_NAME": self.project,
            "PORT": str(self.port),
            "SECRETS": str(self.state / "docker/secrets"),
            "REVISIONS": str(self.state / "docker/manifests"),
            "FRONT_SUBNET": json.loads((self.state / "docker/place.json").read_text())["subnet"],
            "EXPOSE_INSTANCE": "1",
            "PLAIN_BIND": "127.0.0.1",
            "TLS_PORT": str(self.tls_port),
            "TLS_VERSION": identity(self.certificate.parent),
            "HSTS": "max-age=0",
        }
        file = self.state / "compose.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        return DockerCompose(ROOT, ["docker-compose.yml", "deploy/docker/tls.yml"], env_file=str(file))

    def stop(self, instance: str) -> None:
        self._docker("stop", "--timeout", "5", self._container(instance))

    def start(self, instance: str) -> None:
        self._docker("start", self._container(instance))
        self.until_ready()

    @property
    def secrets(self) -> Path:
        return self.state / "docker/secrets"

    def _written(self) -> str:
        names = self._docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        return "\n".join(self._docker("logs", name) for name in names.split())

    @property
    def certificate(self) -> Path:
        return self.state / "docker/secrets/tls/certificate.pem"

    def leftovers(self) -> list[str]:
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        listed = [self._docker(*kind, *mine) for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls"))]
        return [name for names in listed for name in names.split()]

    def forget_images(self, project: str = "") -> None:
        """Those that were built for it alone (or for another project): no other stack has their names."""
        built = f"{project or self.project}-*"
        names = self._docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", built).split()
        subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)

    def inspect(self, service: str) -> list[dict[str, Any]]:
        """What Docker says of a service's containers."""
        names = self._docker(
            "ps", "--all", "--quiet",
            "--filter", f"label=com.docker.compose.project={self.project}",
            "--filter", f"label=com.docker.compose.service={service}",
        )  # fmt: skip
        found: list[dict[str, Any]] = json.loads(self._docker("inspect", *names.split()))
        return found

    def execute(self, instance: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command inside a container."""
        full = ["docker", "exec", self._container(instance), *command]
        return subprocess.run(full, capture_output=True, text=True, check=False)

    def _container(self, instance: str) -> str:
        return f"{self.project}-{instance if instance[-1].isdigit() else f'{instance}-1'}"

    def _docker(self, *arguments: str) -> str:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout + done.stderr


@contextmanager
def local_stack(state: Path) -> Iterator[Stack]:
    """Up, ready, with products; down at the end."""
    port = free_base(SPAN)
    stack = LocalStack(state, port, **_with_tls(port))
    try:
        stack.run("up")
        yield stack
    finally:
        stack.attempt("down")


@contextmanager
def stack_of(root: Path, like: Stack, state: Path) -> Iterator[Stack]:
    """Another checkout's stack on the engine of `like`, for the test to bring up; down at the end, with its data."""
    stack: Stack = LocalStack(state, free_base(SPAN))
    if like.engine == "docker":
        stack = DockerStack(state, free_base(SPAN), f"portico-other-{os.getpid()}")
    stack.root = root
    try:
        yield stack
    finally:
        stack.attempt("down", "--data", "--yes")
        if isinstance(stack, DockerStack):
            stack.forget_images()


@contextmanager
def docker_stack(state: Path, name: str = "test") -> Iterator[Stack]:
    """Images built by the verb, containers by testcontainers; gone at the end, with their volumes."""
    port = free_base(SPAN)
    stack = DockerStack(state, port, f"portico-{name}-{os.getpid()}", **_with_tls(port))
    try:
        stack.run("images")
        with _up(stack):
            stack.run("apply")  # what a first `up` does with a stack that Compose alone has started
            yield stack
    finally:
        stack.forget_images()


@contextmanager
def _up(stack: DockerStack) -> Iterator[None]:
    """Its containers by testcontainers; what Compose and the containers said, if they don't come up."""
    compose = stack.compose()
    try:
        compose.start()
    except subprocess.CalledProcessError as wrong:
        said = stack.logs()[-4000:]
        compose.stop()
        pytest.fail(f"The containers did not come up.\n{wrong.stderr.decode()[-2000:]}\n{said}", pytrace=False)
    try:
        yield
    finally:
        compose.stop()


def _with_tls(port: int) -> dict[str, str]:
    """Beside the plain door, which is for this machine alone then."""
    return {"TLS": "self-signed", "TLS_PORT": str(port + 9)}
