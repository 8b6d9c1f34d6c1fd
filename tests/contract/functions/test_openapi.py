"""What the gateway says of all routes is what they do: schemathesis asks it of a real one, with every check."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from functions.orders import model as orders
from functions.users import model as users
from runtime.identity import signing_keys
from runtime.manifest import FILE
from tests.contract.functions.gateway.town import ROOT, Served

CONFIG = Path(__file__).with_name("schemathesis.toml")
FUNCTIONS = ("users", "orders")
LONGER = ("--max-examples", more) if (more := os.environ.get("FUZZ_EXAMPLES", "")) else ()  # what `just fuzz` asks for
LEAVING = ("users_log_out", "users_end_session", "users_remove_me")  # after which the token is good for nothing
STAYING = [argument for name in LEAVING for argument in ("--exclude-operation-id", name)]


class City:
    """A gateway, users and orders, each a process; nothing is limited, so that every question is answered."""

    def __init__(self, folder: Path, redis_url: str, stack: ExitStack) -> None:
        self._stack = stack
        self.folder = folder
        signing_keys.create(folder / "keys", "one")
        self._environment = {
            "SIGNING_KEYS_DIR": str(folder / "keys"),
            "MEMBERS_DIR": str(folder / "members"),
            "ARGON2_MEMORY": "8KiB",
            "ARGON2_PASSES": "1",
        }
        self.users = self._function("users")
        self._environment["JWKS_URL"] = f"{self.users.url}/.well-known/jwks.json"
        self.orders = self._function("orders")
        self.gateway = self._start(
            "gateway",
            FUNCTIONS_DIR=str(self._unlimited()),
            DISCOVERY=f"directory:{folder / 'members'}",
            REDIS_URL=redis_url,
        )

    def token(self) -> str:
        """Of a new admin."""
        email = f"{uuid4()}@example.org"
        told = {"email": email, "password": self._run("users", "functions.users.admin", email, "--create").split()[-1]}
        token: str = httpx.post(f"{self.gateway.url}/sessions", json=told).json()["access_token"]
        return token

    def document(self) -> Path:
        """A file with what the gateway says of the functions."""
        answer = httpx.get(f"{self.gateway.url}/openapi.json")
        assert answer.headers["content-type"] == "application/openapi+json"
        file = self.folder / "openapi.json"
        file.write_bytes(answer.content)
        return file

    def knowing(self, file: Path) -> Path:
        """The same, for names of things that exist only."""
        file.write_text(json.dumps(_knowing(json.loads(file.read_bytes()), self._names())))
        return file

    def _names(self) -> dict[str, list[str]]:
        """By the pattern of such names: a product, and orders of it."""
        with httpx.Client(base_url=self.gateway.url, headers={"Authorization": f"Bearer {self.token()}"}) as client:
            client.put("/products/mug", json={"name": "Mug", "currency": "EUR", "unit_price": 1, "stock": 10**9})
            items = {"items": [{"sku": "mug", "quantity": 1}]}
            placed = [client.post("/orders", json=items, headers={"Idempotency-Key": key}).json() for key in "abc"]
            ids = [client.get("/users/me").json()["id"], *(order["id"] for order in placed)]
        return {_pattern(orders.Sku): ["mug"], _pattern(orders.Id): ids, _pattern(users.Id): ids}

    def _function(self, name: str) -> Served:
        self._run(name, "runtime.database.migrate", f"functions/{name}")
        return self._start(name, **self._environment, DATABASE_URL=self._database(name))

    def _database(self, function: str) -> str:
        return f"sqlite:///{self.folder}/{function}.db"

    def _start(self, name: str, **environment: str) -> Served:
        served = Served(ROOT / "functions" / name, **environment)
        self._stack.callback(served.kill)
        return served

    def _run(self, function: str, module: str, *arguments: str) -> str:
        environment = self._environment | {"DATABASE_URL": self._database(function)}
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    def _unlimited(self) -> Path:
        """The manifests, without limits."""
        for name in FUNCTIONS:
            (self.folder / "functions" / name).mkdir(parents=True)
            text = (ROOT / "functions" / name / FILE).read_text()
            (self.folder / "functions" / name / FILE).write_text(re.sub(r"(?m)^limit = .*$", "", text))
        return self.folder / "functions"


def _pattern(type_: Any) -> str:  # noqa: ANN401  an annotation
    pattern: str = msgspec.json.schema(type_)["pattern"]
    return pattern.replace(r"\Z", "$")


def _knowing(document: Any, names: dict[str, list[str]]) -> Any:  # noqa: ANN401  any JSON
    if isinstance(document, dict):
        if document.get("pattern") in names:
            return {"type": "string", "enum": names[document["pattern"]]}
        if "properties" in document and document.get("additionalProperties") is not False:
            return document  # an answer may name what is new; whatever is taken refuses unknown members
        return {name: _knowing(value, names) for name, value in document.items()}
    return [_knowing(item, names) for item in document] if isinstance(document, list) else document


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(tmp_path_factory.mktemp("city"), redis_url, stack)


def of(function: str) -> tuple[str, str]:
    """Only this function's operations."""
    return "--include-tag", function


def failures(city: City, document: Path, *selection: str) -> str:
    """What schemathesis found; nothing when all is well."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", str(document), "--url", city.gateway.url, "--no-color", "--checks", "all", *LONGER),
        *("--header", f"Authorization: Bearer {city.token()}", *selection),
    ]
    done = subprocess.run(command, cwd=city.folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_does_what_its_document_says(city: City, function: str) -> None:
    assert not failures(city, city.document(), *of(function), *STAYING)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_so_it_does_with_things_that_exist(city: City, function: str) -> None:
    assert not failures(city, city.knowing(city.document()), "--mode", "positive", *of(function), *STAYING)


@pytest.mark.parametrize("operation", LEAVING)
def test_so_does_what_ends_a_session(city: City, operation: str) -> None:
    assert not failures(city, city.document(), "--include-operation-id", operation)
