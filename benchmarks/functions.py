"""A function with a table: our orders beside the same in FastAPI, on SQLite and PostgreSQL, and beside a constant.

In: a folder, and what makes tokens. Out: what a read, a list and a keyed order cost, and the rate at which one instance
ends. Each has a database of its own with the same products, made by our migrations and filled over HTTP.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import httpx

from benchmarks.contenders import GATEWAY_CORE, LOAD_CORE, PEERS, ROOT, SERVE, Contender
from benchmarks.load import Request
from benchmarks.processes import Program, free_port, running
from benchmarks.report import CONSTANT

PRODUCTS = 50
_OURS = ROOT / ".venv/bin/python"
_STOCK = 1_000_000_000
_BARE = 3.0  # seconds of statements alone
_ID = "0197a3c2-8c5e-7000-8000-000000000001"

Cases = dict[str, tuple[Contender, Request, int]]
Make = Callable[[str], str]  # an empty database of a name; its URL
Sign = Callable[[str, str], str]  # a token of somebody with a role
CONNECTIONS = 16


class Shop:
    """Who is measured. `keys` is a file with the key set, `keys_url` where it is served."""

    def __init__(self, folder: Path, stack: ExitStack, keys: Path, keys_url: str, sign: Sign) -> None:
        self._folder = folder
        self._stack = stack
        self._keys = keys
        self._keys_url = keys_url
        self._postgres: Make | None = None
        self._customer, self._admin = sign(_ID, "member"), sign(_ID, "admin")

    def cases(self) -> Cases:
        """Everybody with everything that is asked of them."""
        constant = self._run(CONSTANT, [str(_OURS), str(PEERS / "constant.py")])
        found: Cases = {CONSTANT: (constant, Request("/"), CONNECTIONS)}
        for kind, make in self._databases().items():
            for who in _available():
                name = f"{who}, {kind}"
                url = make(who)
                order = self._filled(url)
                asked = self._asked(order)
                contender = self._served(name, who, url)
                found |= {f"{name}, {what}": (contender, request, CONNECTIONS) for what, request in asked.items()}
        return found

    def bare(self) -> dict[str, float]:
        """Keyed orders a second, of their statements alone."""
        found = {}
        for kind, make in self._databases().items():
            for what, products in (("", PRODUCTS), (" on one product", 1)):
                url = make(f"bare{products}")
                self._filled(url)
                command = [str(_OURS), str(PEERS / "bare.py"), url, str(_BARE), str(products)]
                said = subprocess.run(command, check=True, capture_output=True, text=True)
                found[f"{kind}{what}"] = float(said.stdout)
        return found

    def _databases(self) -> Mapping[str, Make]:
        """By kind, what makes an empty one."""
        found: dict[str, Make] = {"SQLite": lambda name: f"sqlite:///{self._folder / name}.db"}
        if (programs := _postgres()) is not None:
            if self._postgres is None:
                self._postgres = self._stack.enter_context(_server(programs, self._folder / "postgres"))
            found["PostgreSQL"] = self._postgres
        return found

    def _filled(self, url: str) -> str:
        """Has the tables made, and puts products and one order in; where that is."""
        subprocess.run(
            [str(_OURS), "-m", "runtime.database.migrate", "functions/orders"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url},
            check=True,
            capture_output=True,
        )
        with ExitStack() as stack:
            port = free_port()
            log = self._folder / "fill.log"
            stack.enter_context(running(_serve(), port, GATEWAY_CORE, log, self._environment(port, url)))
            client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30))
            product = {"name": "A product", "currency": "EUR", "unit_price": 1150, "stock": _STOCK}
            for number in range(PRODUCTS):
                client.put(f"/products/sku-{number}", json=product, headers=_bearer(self._admin)).raise_for_status()
            made = client.post(
                "/orders",
                json={"items": [{"sku": "sku-0", "quantity": 1}]},
                headers=_bearer(self._customer) | {"Idempotency-Key": "first"},
            )
            return made.raise_for_status().headers["Location"]

    def _asked(self, order: str) -> dict[str, Request]:
        token = tuple(_bearer(self._customer).items())
        keyed = replace(Request("/orders", "POST"), headers=(*token, ("Content-Type", "application/json")))
        return {
            "read by id": Request(order, headers=token),
            "list of 20": Request("/products?limit=20"),
            "keyed order": replace(keyed, script=_ordering(PRODUCTS)),
            "keyed order, one product": replace(keyed, script=_ordering(1)),
        }

    def _served(self, name: str, who: str, url: str) -> Contender:
        if who == "portico":
            return self._run(name, _serve(), lambda port: self._environment(port, url))
        peer = [sys.executable, str(PEERS / "fastapi_orders.py")]
        return self._run(name, peer, after=[url, str(self._keys)])

    def _run(
        self,
        name: str,
        command: list[str],
        environment: Callable[[int], dict[str, str]] | None = None,
        after: list[str] | None = None,
    ) -> Contender:
        """By its environment or by its first argument a program is told its port."""
        port = free_port()
        told = environment(port) if environment else None
        whole = command if environment else [*command, str(port), *(after or [])]
        log = self._folder / f"{name}.log"
        program: Program = self._stack.enter_context(running(whole, port, GATEWAY_CORE, log, told))
        return Contender(name, port, program)

    def _environment(self, port: int, url: str) -> dict[str, str]:
        return {
            "PORT": str(port),
            "DATABASE_URL": url,
            "JWKS_URL": self._keys_url,
            "LOG_FORMAT": "json",
            "DRAIN_NOTICE": "0",
        }


def _serve() -> list[str]:
    return [*SERVE, "functions/orders"]


def _available() -> list[str]:
    needed = ("fastapi", "sqlalchemy", "aiosqlite", "asyncpg")
    return ["portico", "fastapi"] if all(find_spec(each) for each in needed) else ["portico"]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _ordering(products: int) -> str:
    """Lua: each order has a key of its own, and the next of so many products."""
    body = json.dumps({"items": [{"sku": "sku-%d", "quantity": 1}]}).replace('"', '\\"')
    return f"""local asked, run = 0, os.time() .. tostring({{}}):sub(8)
request = function()
  asked = asked + 1
  wrk.headers["Idempotency-Key"] = run .. "-" .. asked
  return wrk.format(nil, nil, nil, string.format("{body}", asked % {products}))
end"""


def _postgres() -> Path | None:
    """The programs of the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parts[-2]))
    return found[-1] if found else None


@contextmanager
def _server(programs: Path, folder: Path) -> Iterator[Make]:
    """A server as it comes, with its durability; what it yields makes a database of a name."""
    port = free_port()
    folder.mkdir()
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user, user)
        folder.parent.chmod(0o755)
    initialise = [str(programs / "initdb"), "-D", "data", "--auth=trust", "--username=portico", "--encoding=UTF8"]
    subprocess.run(initialise, cwd=folder, user=user, group=user, check=True, stdout=subprocess.DEVNULL)
    before = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    serve = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]

    def make(name: str) -> str:
        url = f"postgresql://portico@127.0.0.1:{port}/{name}"
        tool = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "portico", name]
        subprocess.run(tool, check=True)
        return url

    with running([*before, *serve], port, LOAD_CORE, folder.with_suffix(".log")):
        yield make
