"""deploy/package/bundle.py, and what it makes: packages that load and answer under Unit as they do under Granian."""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path

import msgspec
import pytest

from deploy.engine import Refusal
from deploy.package import bundle, unit
from runtime.manifest import Manifest
from tests.contract.deploy.package import keys
from tests.contract.deploy.package.corpus import ID, answers
from tests.contract.deploy.package.servers import UNITD, Server, granian, process, unitd, unitlike
from tests.contract.deploy.package.unpacked import Package
from tests.ports import free_port

Environment = Mapping[str, str]
UNITS = [unitlike, *([unitd] if UNITD else [])]


def test_it_holds_what_the_function_needs_and_no_more(package: Package) -> None:
    assert {path.name for path in (package.home / "functions").iterdir()} == {package.name}
    there = {path.name for path in (package.home / "packages").iterdir()}
    assert {"litestar", "granian", "msgspec", "structlog"} <= there
    assert ("argon2" in there, "asyncpg" in there) == (package.name == "users", package.name != "echoes")
    assert not there & {"httptools", "redis", "pytest"}


def test_its_object_is_one_that_unit_takes(package: Package) -> None:
    told = msgspec.convert(package.object, keys.Application)
    assert told.type == f"python {bundle.HERE}"
    whole = unit.configuration({package.name: package.object}, 1024)
    assert msgspec.convert(whole, keys.Configuration).applications[package.name] == told


def test_unit_loads_it_and_nothing_begins_by_that(package: Package) -> None:
    done = package.load(package.told())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "coroutine function": True,
        "threads": 1,
        "sockets": 0,
        "loops": 0,
        "modules from": [str(package.home), str(package.home / "packages")],
    }


@pytest.mark.parametrize("serving", UNITS)
def test_unit_answers_as_granian_does(
    serving: Callable[[Path], AbstractContextManager[Server]],
    package: Package,
    environment: Environment,
    other_environment: Environment,
    member: Environment,
    admin: Environment,
) -> None:
    manifest = Manifest.read(package.home / "functions" / package.name)
    with granian(package, **environment) as server:
        expected = answers(server, manifest, member, admin)
    with serving(package.told(**other_environment)) as server:
        got = answers(server, manifest, member, admin)
    assert [pair for pair in zip(got, expected, strict=True) if pair[0] != pair[1]] == []
    assert {answer.status for _, answer in expected} >= {200, 304, 404, 504}


def test_it_begins_again_on_another_loop(package: Package, environment: Environment) -> None:
    with process(package.told(**environment), lives=2) as server:
        for _ in range(2):
            assert server.hear() == {"started": True}
            assert server.ask("GET", "/readyz", {}, b"").status == 200
            assert server.ask("GET", "/openapi.json", {}, b"").status == 200
            assert server.shut() == []
        assert server.close()[0] == 0


def test_what_it_logs_goes_where_unit_keeps_it(package: Package, environment: Environment) -> None:
    """Standard error, as lines of JSON: that a token was missing, say, and what was answered then."""
    manifest = Manifest.read(package.home / "functions" / package.name)
    private = [r for r in manifest.route if r.method == "GET" and (r.auth or manifest.defaults.auth) == "bearer"][:1]
    with process(package.told(**environment)) as server:
        assert server.hear() == {"started": True}
        for route in private:
            assert server.ask(route.method, route.path.replace("{id}", ID), {}, b"").status == 401
        assert server.shut() == []
        told = [json.loads(line)["event"] for line in server.close()[1].splitlines()]
    assert told == ["token refused", "request refused"] * len(private)


def test_a_start_that_fails_says_why_and_ends(package: Package) -> None:
    with process(package.told()) as server:
        said = server.hear()
        if package.name == "echoes":  # needs nothing, so nothing can be missing
            assert said == {"started": True}
            return
        assert "DATABASE_URL" in said["failed"]
        assert server.close()[0] == 1


@pytest.mark.parametrize("package", ["things"], indirect=True)
def test_why_it_does_not_start_is_in_what_unit_keeps_of_a_long_traceback(
    package: Package, surroundings: Environment
) -> None:
    with process(package.told(**surroundings, DATABASE_URL="sqlite:////nowhere/things.db")) as server:
        first, second, *_ = server.hear()["failed"].splitlines()
    assert first.endswith("DatabaseUnavailable: dependency-unavailable: The database cannot be reached.")
    assert second == "Traceback (most recent call last):"


@pytest.mark.parametrize("package", ["orders", "users", "things"], indirect=True)
def test_without_its_schema_it_does_not_start_and_says_what_to_do(
    package: Package, surroundings: Environment, tmp_path: Path
) -> None:
    """With its own server, and under Unit; once that is done it starts."""
    told = {**surroundings, "DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    sentence = re.compile(
        r"The schema of the database lacks 0001_\w+\.sql and \d more .*: bring it up to date with .*\."
    )
    started = package.run(**told, LOG_FORMAT="json", PORT=str(free_port()))
    (line,) = map(json.loads, started.stderr.splitlines() + started.stdout.splitlines())
    assert (started.returncode, line["event"]) == (1, "did not start")
    assert sentence.fullmatch(line["why"])
    with process(package.told(**told)) as server:
        assert sentence.fullmatch(server.hear()["failed"])
        assert server.close()[0] == 1
    assert package.run("runtime.database.migrate", f"functions/{package.name}", **told).returncode == 0
    with process(package.told(**told)) as server:
        assert server.hear() == {"started": True}
        assert server.shut() == []


def test_it_is_made_for_another_python_too_and_twice_the_same(checkout: Path, tmp_path: Path) -> None:
    other = "3.13" if bundle.HERE != "3.13" else "3.12"
    one, again = [bundle.build(checkout, "echoes", tmp_path / name, other) for name in ("one", "again")]
    assert one.read_bytes() == again.read_bytes()
    package = Package(one, tmp_path)
    assert package.object["type"] == f"python {other}"
    built = {path.name.split("-")[1] for path in (package.home / "packages").rglob("*.cpython-*.so")}
    assert built == {other.replace(".", "")}
    assert package.run().stderr.startswith(f"This package is for python {other}, and this is python {bundle.HERE}")


def test_it_is_told_where_it_will_be_unpacked(checkout: Path, tmp_path: Path) -> None:
    package = Package(bundle.build(checkout, "echoes", tmp_path, below="/opt/functions"), tmp_path)
    assert package.object["working_directory"] == "/opt/functions/echoes"
    assert package.object["path"] == ["/opt/functions/echoes", "/opt/functions/echoes/packages"]


@pytest.mark.parametrize("package", ["orders"], indirect=True)
def test_an_order_that_unit_ends_is_503_and_may_be_placed_again(
    package: Package, environment: Environment, member: Environment, admin: Environment
) -> None:
    """It hangs at a lock that another holds, and has written nothing."""
    two, keyed = b'{"items": [{"sku": "mug", "quantity": 2}]}', {**member, "Idempotency-Key": '"1"'}
    json_ = {"Content-Type": "application/json"}
    with process(package.told(**environment), lives=2) as server:
        assert server.hear() == {"started": True}
        mug = b'{"name": "Mug", "currency": "EUR", "unit_price": 900, "stock": 3}'
        assert server.ask("PUT", "/products/mug", {**admin, **json_}, mug).status == 201
        with closing(sqlite3.connect(environment["DATABASE_URL"].removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN IMMEDIATE")
            server.begin("POST", "/orders", {**keyed, **json_}, two)
            while not server.ask("GET", "/health", {}, b"").json()["in_flight"]:
                pass
            server.end()
            answer = server.answer()
        assert (answer.status, answer.json()["type"]) == (503, "/problems/draining")
        assert server.hear() == {"ended": True, "faults": []}
        assert server.hear() == {"started": True}
        placed = server.ask("POST", "/orders", {**keyed, **json_}, two)
        assert (placed.status, placed.header("idempotency-replayed")) == (201, "")
        assert server.ask("GET", "/products/mug", {}, b"").json()["stock"] == 1
        assert server.shut() == []


def test_a_function_that_is_not_there_is_refused(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="There is no function gateway that Unit could serve: there are"):
        bundle.build(checkout, "gateway", tmp_path)


def test_a_lock_that_can_not_be_had_is_told(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="The package can't be made: "):
        bundle.build(checkout, "echoes", tmp_path, "2.7")
