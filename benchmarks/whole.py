"""The whole stack, as `just up` starts it on the local engine: nginx, gateways, functions, databases, Redis.

In: a folder for its state. Out: what a read and an order cost in each part, at 1, 2 and 4 gateways, what logins do to
the reads beside them, and what each program takes to start. Nothing is pinned: the machine is shared as in production.
"""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from benchmarks.load import Latency, Request, always, encoded, flood, paced
from benchmarks.processes import Family, free_block
from deploy.local import blocks

ROOT = Path(__file__).parents[1]
READ = Request("/products?limit=20")
GATEWAYS = (1, 2, 4)
CUSTOMERS = 60
_PORTS = blocks.span(blocks.assign({}, ["gateway", "orders", "users"]))
_READS, _ORDERS, _LOGINS = 100.0, 40.0, 8.0  # a second; more logins than that are over the limit of one address
_PASSWORD = "correct horse battery staple"  # noqa: S105  of accounts that live for one run


@dataclass(frozen=True, slots=True)
class Share:
    """What requests of one kind took: µs of CPU a request in each part, and how they went."""

    parts: dict[str, float]
    rate: float
    p50: float = 0.0  # milliseconds
    p99: float = 0.0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """What an instance took until it was ready: seconds of CPU, MB."""

    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Whole:
    """One run."""

    reads: dict[str, Share]
    orders: Share
    beside: dict[str, tuple[float, float]]  # p50 and p99 of reads, milliseconds, by what went on beside them
    starts: dict[str, Start]


def measure(folder: Path, seconds: float) -> Whole:
    """Windows of `seconds` each. The stack is up for as long as this takes, and gone with its data afterwards."""
    with _stack(folder) as stack:
        people = stack.people()
        reads = {}
        for gateways in GATEWAYS:
            stack.run("scale", str(gateways))
            reads[f"{gateways} gateway{'s' * (gateways > 1)}"] = stack.flooded(seconds, folder / "load.lua")
        stack.run("scale", "1")
        orders = stack.ordered(people, seconds * 2)
        return Whole(reads, orders, stack.beside(seconds * 2), stack.starts())


class Stack:
    """A running one; `run` gives a verb as a user does."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self._environment = os.environ | {"ENGINE": "local", "PORTICO_STATE": str(state), "PORT": str(port)}

    def run(self, *arguments: str) -> str:
        """What the verb printed. Raises SystemExit with what it complained of."""
        command = [str(ROOT / ".venv/bin/python"), "-m", "deploy", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def people(self) -> list[tuple[str, str]]:
        """Emails of customers, each with an access token."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False) as client:
            return [_customer(client, f"customer-{number}@example.org") for number in range(CUSTOMERS)]

    def flooded(self, seconds: float, script: Path) -> Share:
        """Reads as fast as they are answered."""
        flood(self.port, READ, 1, 64, _ANY, script)  # warms up
        before = self._cpu()
        served, failed = flood(self.port, READ, seconds, 64, _ANY, script)
        latency = paced(self.port, always(READ), _READS, seconds, 16)
        return _share(
            before, self._cpu(), served + int(_READS * seconds), served / seconds, latency, failed + latency.failed
        )

    def ordered(self, people: list[tuple[str, str]], seconds: float) -> Share:
        """Orders with keys of their own, at a rate that every customer may order at."""
        content = msgspec.json.encode({"items": [{"sku": self._sku(), "quantity": 1}]})

        def order(number: int) -> bytes:
            fields = (
                ("Authorization", f"Bearer {people[number % len(people)][1]}"),
                ("Content-Type", "application/json"),
                ("Idempotency-Key", f'"order-{number}"'),
            )
            return encoded(Request("/orders", "POST", headers=fields), content)

        before = self._cpu()
        latency = paced(self.port, order, _ORDERS, seconds, 16)
        return _share(before, self._cpu(), int(_ORDERS * seconds), _ORDERS, latency, latency.failed)

    def beside(self, seconds: float) -> dict[str, tuple[float, float]]:
        """Reads at a fixed rate, alone and while people log in."""
        alone = paced(self.port, always(READ), _READS, seconds, 16)
        content = msgspec.json.encode({"email": "customer-0@example.org", "password": _PASSWORD})
        log_in = encoded(Request("/sessions", "POST", headers=(("Content-Type", "application/json"),)), content)
        logins = threading.Thread(target=lambda: paced(self.port, lambda _number: log_in, _LOGINS, seconds, 4))
        logins.start()
        crowded = paced(self.port, always(READ), _READS, seconds, 16)
        logins.join()
        return {"reads alone": _milliseconds(alone), f"beside {_LOGINS:.0f} logins a second": _milliseconds(crowded)}

    def starts(self) -> dict[str, Start]:
        """One more instance of each function, seen when it is ready."""
        found = {}
        for name in ("gateway", "users", "orders"):
            self.run("scale", "2", name)
            program = Family(dict(self._pids())[f"{name}-2"])
            found[name] = Start(program.cpu(), program.memory() / 2**20)
        return found

    def _sku(self) -> str:
        products = httpx.get(f"http://127.0.0.1:{self.port}/products", trust_env=False).json()["items"]
        sku: str = max(products, key=lambda product: product["stock"])["sku"]
        return sku

    def _pids(self) -> Iterator[tuple[str, int]]:
        for line in self.run("ps").splitlines()[1:]:
            name, _, _, pid, *_ = line.split()
            yield name, int(pid)

    def _cpu(self) -> dict[str, float]:
        parts: dict[str, float] = {}
        for name, pid in self._pids():
            part = name.rpartition("-")[0] or name
            parts[part] = parts.get(part, 0.0) + Family(pid).cpu()
        return parts


_ANY = f"0-{(os.cpu_count() or 1) - 1}"  # every core


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder / "state", free_block(_PORTS))
    try:
        stack.run("up")
        stack.run("seed")
        yield stack
    finally:
        stack.run("down", "--data", "--yes")


def _customer(client: httpx.Client, email: str) -> tuple[str, str]:
    client.post("/users", json={"email": email, "name": "Ada", "password": _PASSWORD}).raise_for_status()
    session = client.post("/sessions", json={"email": email, "password": _PASSWORD}).raise_for_status()
    return email, session.json()["access_token"]


def _share(
    before: dict[str, float], after: dict[str, float], requests: int, rate: float, latency: Latency, failed: int
) -> Share:
    parts = {part: (spent - before.get(part, 0.0)) / requests * 1e6 for part, spent in after.items()}
    return Share(parts, rate, *_milliseconds(latency), failed)


def _milliseconds(latency: Latency) -> tuple[float, float]:
    return latency.p50 * 1000, latency.p99 * 1000
