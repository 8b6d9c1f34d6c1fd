"""A backup goes into an empty stack, and nobody who used the old one notices more than a token to refresh."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.e2e.people import PASSWORD, order, register
from tests.e2e.stack import DockerStack, Stack, docker_stack, local_stack, until

TABLES = {
    "users": ("users", "sessions", "refresh_tokens", "schema_migrations"),
    "orders": ("products", "orders", "order_items", "idempotency_keys", "schema_migrations"),
}
EMAIL = "keeper@example.org"

Rows = dict[tuple[str, str], list[str]]


def rows(stack: Stack) -> Rows:
    """Every row of every table, sorted, as the database itself tells it."""
    read = docker_rows if isinstance(stack, DockerStack) else local_rows
    return {
        (function, table): sorted(read(stack, function, table)) for function in TABLES for table in TABLES[function]
    }


def local_rows(stack: Stack, function: str, table: str) -> list[str]:
    with closing(sqlite3.connect(stack.state / f"data/{function}.db")) as database:
        return [str(row) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608  from TABLES


def docker_rows(stack: Stack, function: str, table: str) -> list[str]:
    assert isinstance(stack, DockerStack)
    psql = f"PGPASSWORD=$(cat /run/secrets/postgres-password) psql -h 127.0.0.1 -U postgres {function}"
    done = stack.execute("postgres", "sh", "-c", f"{psql} -c 'COPY {table} TO STDOUT'")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def backup(stack: Stack, tmp_path: Path) -> Path:
    """Of a stack that somebody uses."""
    stack.run("backup", tmp_path)
    [folder] = tmp_path.iterdir()
    return folder


@pytest.fixture
def empty(stack: Stack) -> Iterator[Stack]:
    """Another stack on the same engine, without a row."""
    with tempfile.TemporaryDirectory(prefix="portico-") as state:
        made = docker_stack(Path(state), "empty") if stack.engine == "docker" else local_stack(Path(state))
        with made as another:
            yield another


@pytest.fixture
def pair(client: httpx.Client) -> dict[str, str]:
    """The tokens of somebody who has an order, made under the key `kept`."""
    register(client, EMAIL)
    pair: dict[str, str] = client.post("/sessions", json={"email": EMAIL, "password": PASSWORD}).json()
    placed = client.post("/orders", json=order(client), headers=bearing(pair) | {"Idempotency-Key": "kept"})
    assert placed.status_code == 201, placed.text
    return pair


def bearing(pair: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def test_a_backup_goes_into_an_empty_stack_with_every_row(
    stack: Stack, client: httpx.Client, pair: dict[str, str], tmp_path: Path, empty: Stack
) -> None:
    before = rows(stack)
    stack.run("backup", tmp_path)
    [folder] = tmp_path.iterdir()
    assert all(rows(empty)[table] != before[table] for table in before if table[1] != "schema_migrations")
    assert "is not signed with this stack's key" in empty.attempt("restore", folder, "--yes").stderr
    empty.run("restore", folder, "--yes", "--key", stack.state / "backup-key")
    assert rows(empty) == before
    with httpx.Client(base_url=empty.url, timeout=30) as there:
        # It signs with keys of its own; 503 until the gateway has them.
        until(lambda: there.get("/users/me", headers=bearing(pair)).status_code == 401)
        fresh = there.post("/sessions/refresh", json={"refresh_token": pair["refresh_token"]}).json()
        listed = there.get("/orders", headers=bearing(fresh)).json()
        assert listed == client.get("/orders", headers=bearing(pair)).json()
        again = there.post("/orders", json=kept_order(listed), headers=bearing(fresh) | {"Idempotency-Key": "kept"})
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")


def kept_order(listed: dict[str, list[dict[str, list[dict[str, object]]]]]) -> object:
    [made] = listed["items"]
    return {"items": [{"sku": item["sku"], "quantity": item["quantity"]} for item in made["items"]]}


def test_a_backup_goes_back_into_its_own_stack_and_what_came_later_is_kept_apart(stack: Stack, backup: Path) -> None:
    before = rows(stack)
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        assert register(client).status_code == 201
        after = rows(stack)
        until(lambda: is_hit(client.get("/products")))
        said = stack.run("restore", backup, "--yes")
        assert rows(stack) == before
        assert not is_hit(client.get("/products"))  # what a gateway held was of after the backup
    stack.run("restore", said.strip().rpartition(" ")[2], "--yes")
    assert rows(stack) == after


def is_hit(answer: httpx.Response) -> bool:
    return "; hit" in answer.headers["Cache-Status"]


def test_a_broken_backup_is_one_sentence_and_nothing_stops(stack: Stack, backup: Path) -> None:
    part = json.loads((backup / "manifest.json").read_text())["parts"][0]
    with (backup / f"{part['function']}.{part['form']}").open("ab") as file:
        file.write(b"x")
    before, running = rows(stack), stack.instances()
    refused = stack.attempt("restore", backup, "--yes")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "is not what was backed up" in refused.stderr
    assert (rows(stack), stack.instances()) == (before, running)


def test_a_place_that_can_not_be_written_is_one_sentence(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = stack.attempt("backup", tmp_path / "file/backups")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "Not a directory" in refused.stderr


def test_without_a_yes_nothing_is_replaced(stack: Stack, backup: Path) -> None:
    refused = stack.attempt("restore", backup)
    assert "Nothing was changed" in refused.stderr
