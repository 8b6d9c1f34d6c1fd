"""Real gateways that take in another revision while they serve: nothing is lost, and all is as it was afterwards."""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from functions.gateway.revisions import CURRENT, named
from tests.contract.functions.gateway.changing import LIMITED, Changing
from tests.contract.functions.gateway.conftest import a_name
from tests.contract.functions.gateway.town import Served, manifest, until


def legacy(url: str, path: str = "/legacy/{path...}") -> str:
    return f'name = "legacy"\n[upstream]\nurl = "{url}"\n[defaults]\nauth = "public"\n[[route]]\nmatch = "GET {path}"\n'


async def metrics(client: httpx.AsyncClient) -> str:
    return (await client.get("/metrics")).text


def value(page: str, start: str) -> float:
    """Of the one sample that begins so."""
    (line,) = [line for line in page.splitlines() if line.startswith(start)]
    return float(line.rpartition(" ")[2])


async def test_a_gateway_says_which_revision_it_serves(changing: Changing, visitor: httpx.AsyncClient) -> None:
    first = named(Path(changing.town.told["FUNCTIONS_DIR"]))
    (talk,) = changing.talks()
    assert talk.say("which") == {"revision": first, "why": [], "rolls": False}
    talk.close()
    second = changing.set(**{LIMITED: "limit = '7/1h'"})
    changing.apply(second)
    shown = [line for line in (await metrics(visitor)).splitlines() if line.startswith("portico_gateway_revision_info")]
    assert shown == [f'portico_gateway_revision_info{{revision="{second}"}} 1']


async def test_a_route_comes_changes_and_goes(changing: Changing, visitor: httpx.AsyncClient) -> None:
    here = changing.town.things[0].url
    assert (await visitor.get("/legacy/a")).status_code == 404
    changing.apply(changing.set(also=legacy(here, "/echo/at/legacy")))
    answer = await visitor.get("/echo/at/legacy")
    assert answer.status_code in (200, 404)  # whatever the service has there: the request got to it
    assert "application/problem+json" not in answer.headers.get("content-type", "")
    changing.apply(changing.set())
    assert (await visitor.get("/echo/at/legacy")).json()["type"] == "/problems/no-such-route"


async def test_a_limit_that_is_edited_holds_at_once_and_keeps_its_bucket(
    changing: Changing, visitor: httpx.AsyncClient
) -> None:
    assert "r=1" in (await visitor.get("/echo/limited")).headers["ratelimit"]
    changing.apply(changing.set(**{LIMITED: "limit = '20/1h'"}))
    answer = await visitor.get("/echo/limited")
    assert answer.headers["ratelimit-policy"] == '"default";q=20;w=3600'
    assert "r=9" in answer.headers["ratelimit"]  # half of it was used
    changing.apply(changing.set(**{LIMITED: "limit = '20/1h'", "GET /sized": "deadline = '3s'"}))
    assert "r=8" in (await visitor.get("/echo/limited")).headers["ratelimit"]  # another route was edited


async def test_what_is_in_flight_ends_on_the_table_that_it_began_on(
    changing: Changing, visitor: httpx.AsyncClient
) -> None:
    async with visitor.stream("GET", "/events") as answer:
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"data: 1\n\n"
        changing.apply(changing.write({"other": 'name = "other"\n[app]\nmodule = "other"\n'}))
        assert (await visitor.get("/events")).status_code == 404
        async with httpx.AsyncClient(base_url=changing.town.things[0].url) as inside:
            await inside.get("/release")
        assert await anext(parts) == b"data: 2\n\n"

    async def forgotten() -> bool:
        page = await metrics(visitor)
        return changing.name not in page

    await until(forgotten)


async def test_a_gateway_that_starts_serves_what_was_applied(changing: Changing) -> None:
    revision = changing.set(**{LIMITED: "limit = '7/1h'"})
    changing.apply(revision)
    changing.town.gateways.append(changing.town._gateway(7))
    talks = changing.talks()
    assert [talk.say("which")["revision"] for talk in talks] == [revision] * 2
    for talk in talks:
        talk.close()


@asynccontextmanager
async def load(url: str) -> AsyncIterator[Counter[int]]:
    """Requests all the time, half of them with bodies; how each was answered."""
    told: Counter[int] = Counter()
    ending = asyncio.Event()

    async def come(number: int) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            while not ending.is_set():
                answer = await (client.get("/echo") if number % 2 else client.post("/echo", content=b"x" * 100))
                told[answer.status_code] += 1

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(come(number))
        yield told
        ending.set()


async def test_two_hundred_revisions_lose_nobody_and_leave_everything_as_it_was(
    changing: Changing, visitor: httpx.AsyncClient
) -> None:
    here = changing.town.things[0].url

    def round_of(number: int) -> None:
        """One edit of each kind, under names that never come again."""
        text = manifest(changing.name).replace("limit = '2/1h'", f"limit = '{number + 3}/1h'")
        text += f"\n[concurrency]\nstart = {100 + number % 2}\n[circuit]\nconsecutive = {5 + number % 3}\n"
        service = legacy(here, f"/legacy/{secrets.token_hex(4)}").replace('"legacy"', f'"legacy{number}"', 1)
        changing.apply(changing.write({"things": text, **({"legacy": service} if number % 2 else {})}))

    async def applied(times: int) -> dict[str, float]:
        """What is there after so many under load, once nothing is in flight and nobody is let go any more."""
        async with load(changing.town.url) as told:
            for number in range(times):
                await asyncio.to_thread(round_of, number)
            await asyncio.to_thread(changing.apply, changing.set())
        assert told.keys() == {200}

        left: list[str] = []
        busy = re.compile(r'legacy|loop="letting-go"|^portico_gateway_upstream_connections\{.* [1-9]')

        async def quiet() -> bool:
            left[:] = [line for line in (await metrics(visitor)).splitlines() if busy.search(line)]
            return not left

        try:
            await until(quiet)
        except TimeoutError:
            pytest.fail(f"still there: {left}")
        page = await metrics(visitor)
        counted = ("portico_gateway_", "portico_loop_last_success")
        return {
            "series": sum(line.startswith(counted) for line in page.splitlines()),
            "files": value(page, "process_open_fds"),
            "bound": value(page, f'portico_gateway_concurrency_limit{{function="{changing.name}"}}'),
            "memory": value(page, "process_resident_memory_bytes"),
        }

    before = await applied(10)
    after = await applied(200)
    assert after.pop("memory") - before.pop("memory") < 8e6
    assert before == after


async def test_gateways_take_it_in_together(tmp_path: Path, redis_url: str) -> None:
    made = Changing(tmp_path, redis_url, a_name(), gateways=3)
    try:
        async with load(made.town.url) as told:
            for number in range(5):
                await asyncio.to_thread(made.apply, made.set(**{LIMITED: f"limit = '{number + 3}/1h'"}))
        assert told.keys() == {200}
    finally:
        made.end()


async def test_what_is_applied_holds_for_all_or_for_none(tmp_path: Path, redis_url: str) -> None:
    made = Changing(tmp_path, redis_url, a_name(), gateways=3)
    try:
        talks, revision = made.talks(), made.set(**{LIMITED: "limit = '7/1h'"})
        before = [talk.say("which")["revision"] for talk in talks]
        talks[1].say(f"prepare {made.set(also='nonsense')}")
        assert [talk.say(f"prepare {revision}")["why"] for talk in (talks[0], talks[2])] == [[], []]
        for talk in talks:
            talk.close()
        talks = made.talks()
        assert [talk.say("which")["revision"] for talk in talks] == before
        for talk in talks:
            talk.close()
    finally:
        made.end()


def test_a_faulty_revision_that_is_current_holds_up_a_start(tmp_path: Path) -> None:
    (tmp_path / "one" / "x").mkdir(parents=True)
    (tmp_path / "one" / "x" / "function.toml").write_text("nonsense")
    (tmp_path / CURRENT).symlink_to("one")
    root = Path(__file__).parents[4]
    told = {"DISCOVERY": f"directory:{tmp_path}", "MANIFESTS_DIR": str(tmp_path)}
    with pytest.raises(RuntimeError, match="is not TOML"):
        Served(root / "functions" / "gateway", **told)
