"""Fixtures of real databases: every contract suite that asks for `database` runs on SQLite and on PostgreSQL.

PostgreSQL is a container where a Docker daemon answers, else a private server of Debian's package in a temporary
folder, or the one that PORTICO_TEST_POSTGRES names: a URL of a role that may create databases.
"""

import atexit
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from runtime.database import Database
from runtime.database.migrate import migrate
from tests import containers
from tests.ports import free_port

FAST = "-c fsync=off -c full_page_writes=off -c shared_buffers=32MB"


class PostgresServer:
    """A server of our own, that a test may stop and start."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="portico-postgres-"))
        self._port = free_port()
        self._password = secrets.token_hex(8)
        self._create()

    @property
    def url(self) -> str:
        return f"postgresql://portico:{self._password}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-k {self._folder} -p {self._port} -c listen_addresses=127.0.0.1 {FAST}"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _create(self) -> None:
        (self._folder / "password").write_text(self._password)
        if os.geteuid() == 0:
            for path in (self._folder, self._folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        trust = ("--username=portico", "--auth=scram-sha-256", "--pwfile=password")
        self._run("initdb", "-D", "data", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", *trust)

    def _run(self, program: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, cwd=self._folder, user=user, group=user, check=True, stdout=subprocess.DEVNULL)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("no PostgreSQL server: install Debian's package `postgresql`, or set PORTICO_TEST_POSTGRES")
    return found[-1].parent


@cache
def _shared_server() -> str:
    if containers.available():
        container = containers.postgres()
        atexit.register(container.__exit__, None, None, None)
        return container.__enter__()
    server = PostgresServer()
    server.start()
    atexit.register(server.remove)
    return server.url


def postgres_url() -> str:
    """The server that suites share; started when first asked for."""
    return os.environ.get("PORTICO_TEST_POSTGRES") or _shared_server()


def _named(name: str) -> str:
    return urlunsplit(urlsplit(postgres_url())._replace(path=f"/{name}"))


def _file(folder: Path) -> str:
    return f"sqlite:///{folder}/portico.db"


async def _made(like: str) -> str:
    """The name of a new database, which holds what another does."""
    name = f"portico_{secrets.token_hex(6)}"
    await _administer(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")
    return name


async def _administer(command: str) -> None:
    connection = await asyncpg.connect(postgres_url())
    try:
        await connection.execute(command)
    finally:
        await connection.close()


@pytest.fixture
async def postgres_database_url() -> AsyncIterator[str]:
    """The URL of an empty database on PostgreSQL, dropped afterwards."""
    name = await _made("template1")
    yield _named(name)
    await _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_database_url(tmp_path: Path) -> str:
    """The URL of a file that is not there yet."""
    return _file(tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database, open; the test runs once on each kind."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


def with_schema(function: Path) -> Callable[..., AsyncIterator[str]]:
    """A fixture: the URL of a database that holds the schema of `function` and no row; once on each kind.

    A copy of one that was migrated once: to migrate each would take longer than most tests.
    """
    migrated = {"sqlite": "", "postgres": ""}

    async def copied(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
        if request.param == "sqlite":
            migrated["sqlite"] = migrated["sqlite"] or await _migrated_folder(function)
            shutil.copytree(migrated["sqlite"], tmp_path, dirs_exist_ok=True)
            yield _file(tmp_path)
            return
        migrated["postgres"] = migrated["postgres"] or await _migrated_database(function)
        name = await _made(migrated["postgres"])
        yield _named(name)
        await _administer(f"DROP DATABASE {name} WITH (FORCE)")

    return pytest.fixture(params=["sqlite", "postgres"])(copied)


async def _migrated_folder(function: Path) -> str:
    folder = tempfile.mkdtemp(prefix="portico-sqlite-")
    atexit.register(shutil.rmtree, folder)
    await migrate(_file(Path(folder)), function)
    return folder


async def _migrated_database(function: Path) -> str:
    name = await _made("template1")
    await migrate(_named(name), function)
    return name
