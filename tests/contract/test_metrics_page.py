"""docs/metrics.md lists exactly what is exported, no metric more and none less."""

import re
from pathlib import Path

import pytest
from httpx import AsyncClient

from functions.gateway.app import application as gateway
from functions.orders.app import application as orders
from functions.users.app import application as users
from runtime.database.migrate import migrate
from runtime.identity import signing_keys
from tests.databases import sqlite_database_url
from tests.served import running

__all__ = ["sqlite_database_url"]

PAGE = Path("docs/metrics.md").read_text()


@pytest.fixture
async def environment(sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that every function needs to start."""
    await migrate(sqlite_database_url, Path("functions/users"))
    signing_keys.create(tmp_path / "keys", "one")
    said = {
        "ARGON2_MEMORY": "8KiB",
        "DATABASE_URL": sqlite_database_url,
        "DISCOVERY": f"directory:{tmp_path}",
        "JWKS_URL": "http://127.0.0.1:1/",
        "SIGNING_KEYS_DIR": str(tmp_path / "keys"),
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)


async def exported(client: AsyncClient) -> set[str]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return set(re.findall(r"^# TYPE (\w+)", answer.text, re.MULTILINE))


def listed() -> list[str]:
    return re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)


@pytest.mark.usefixtures("environment")
async def test_the_page_lists_exactly_what_is_exported() -> None:
    found: set[str] = set()
    for application in (gateway, users, orders):
        async with running(application) as client:
            found |= await exported(client)
    assert sorted(found) == sorted(listed())


@pytest.mark.usefixtures("environment")
async def test_a_sample_has_the_labels_that_the_page_names() -> None:
    async with running(gateway) as client:
        await client.get("/nowhere")
        text = (await client.get("/metrics")).text
    for name, labels in re.findall(r"^\| `(portico_gateway_\w+)`(?: \{([\w, ]+)\})?", PAGE, re.MULTILINE):
        for sample in re.findall(rf"^{name}(?:_sum|_count)?(?:\{{(.*)\}})? \S+$", text, re.MULTILINE):
            assert re.findall(r'(\w+)="', sample) == [label for label in labels.split(", ") if label]


@pytest.mark.usefixtures("environment")
async def test_the_gateway_counts_what_it_has_no_route_for() -> None:
    async with running(gateway) as client:
        before = (await client.get("/metrics")).text
        for path in ("/nowhere", "/elsewhere"):
            await client.get(path)
        after = (await client.get("/metrics")).text
    sample = 'portico_gateway_requests_total{function="gateway",route="none",status="404"} '
    assert _value(after, sample) == _value(before, sample) + 2
    assert "nowhere" not in after


def _value(text: str, sample: str) -> int:
    return sum(int(line.removeprefix(sample)) for line in text.splitlines() if line.startswith(sample))


@pytest.mark.usefixtures("environment")
async def test_names_are_as_prometheus_has_them() -> None:
    """What only grows ends in _total, a measured thing in its base unit, and nothing else in either."""
    for application in (gateway, users, orders):
        async with running(application) as client:
            for name, kind in re.findall(r"^# TYPE (\S+) (\w+)", (await client.get("/metrics")).text, re.MULTILINE):
                assert re.fullmatch(r"(portico|process)_[a-z]+(_[a-z]+)*", name), name
                assert name.endswith("_total") == (kind == "counter"), name
                assert kind not in {"histogram", "summary"} or name.endswith(("_seconds", "_bytes")), name
                assert not re.search(r"_(ms|milliseconds|minutes|kb|mib|percent)(_|$)", name), name
