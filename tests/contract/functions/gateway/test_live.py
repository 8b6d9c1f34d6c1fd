"""Real gateways that take in another revision while they serve: nothing is lost, and all is as it was afterwards."""

import asyncio
import json
import re
import secrets
import shutil
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

import httpx
import pytest

from functions.gateway.revisions import CURRENT, named
from tests.contract.functions.gateway.conftest import a_name
from tests.contract.functions.gateway.town import ROUTES, Served, Town, manifest, until

LIMITED = "GET /echo/limited"


class Talk:
    """A verb's conversation with one gateway."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")

    def say(self, words: str) -> dict[str, object]:
        self._socket.sendall(f"{words}\n".encode())
        told: dict[str, object] = json.loads(self._lines.readline())
        return told

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class Changing:
    """A town whose manifests change: `set` says what the next revision is, `apply` has every gateway take it."""

    def __init__(self, folder: Path, redis_url: str, *, gateways: int = 1, instances: int = 1) -> None:
        self._short = Path(mkdtemp(prefix="p-"))  # a socket's path has few bytes
        self.name = a_name()
        self.manifests = folder / "manifests"
        self._next = folder / "functions"
        self.manifests.mkdir()
        told = {"MANIFESTS_DIR": str(self.manifests), "CONTROL_DIR": str(self._short)}
        self.town = Town(folder, redis_url, name=self.name, gateways=gateways, instances=instances, **told)

    def set(self, *, also: str = "", **changed: str) -> str:
        """Writes a revision in which `things` has other policies; `also`: a manifest more. Its name."""
        text = manifest(self.name)
        for match, policy in changed.items():
            text = text.replace(f'match = "{match}"\n{ROUTES[match]}', f'match = "{match}"\n{policy}')
        return self.write({"things": text, **({"legacy": also} if also else {})})

    def write(self, texts: dict[str, str]) -> str:
        """A revision of these manifests; its name."""
        fresh = self.manifests / "fresh"
        for name, text in texts.items():
            (fresh / name).mkdir(parents=True)
            (fresh / name / "function.toml").write_text(text)
        revision = named(fresh)
        if (self.manifests / revision).exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(self.manifests / revision)
        return revision

    def talks(self) -> list[Talk]:
        return [Talk(path) for path in sorted(self._short.iterdir())]

    def apply(self, revision: str) -> list[dict[str, object]]:
        """Every gateway takes it in; what each said when it had."""
        talks = self.talks()
        assert [talk.say(f"prepare {revision}")["why"] for talk in talks] == [[]] * len(talks)
        pointer = self.manifests / ".next"
        pointer.symlink_to(revision)
        pointer.replace(self.manifests / CURRENT)
        said = [talk.say("take") for talk in talks]
        for talk in talks:
            talk.close()
        assert {str(each["revision"]) for each in said} == {revision}
        return said

    def end(self) -> None:
        self.town.end()
        shutil.rmtree(self._short)


@pytest.fixture
def changing(tmp_path: Path, redis_url: str) -> Iterator[Changing]:
    made = Changing(tmp_path, redis_url)
    yield made
    made.end()


@pytest.fixture
async def client(changing: Changing) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=changing.town.url, timeout=30) as made:
        yield made


def legacy(url: str, path: str = "/legacy/{path...}") -> str:
    return f'name = "legacy"\n[upstream]\nurl = "{url}"\n[defaults]\nauth = "public"\n[[route]]\nmatch = "GET {path}"\n'


async def metrics(client: httpx.AsyncClient) -> str:
    return (await client.get("/metrics")).text


def value(page: str, start: str) -> float:
    """Of the one sample that begins so."""
    (line,) = [line for line in page.splitlines() if line.startswith(start)]
    return float(line.rpartition(" ")[2])


async def test_a_gateway_says_which_revision_it_serves(changing: Changing, client: httpx.AsyncClient) -> None:
    first = named(Path(changing.town.told["FUNCTIONS_DIR"]))
    (talk,) = changing.talks()
    assert talk.say("which") == {"revision": first, "why": [], "rolls": False}
    talk.close()
    second = changing.set(**{LIMITED: "limit = '7/1h'"})
    changing.apply(second)
    shown = [line for line in (await metrics(client)).splitlines() if line.startswith("portico_gateway_revision_info")]
    assert shown == [f'portico_gateway_revision_info{{revision="{second}"}} 1']


async def test_a_route_comes_changes_and_goes(changing: Changing, client: httpx.AsyncClient) -> None:
    here = changing.town.things[0].url
    assert (await client.get("/legacy/a")).status_code == 404
    changing.apply(changing.set(also=legacy(here, "/echo/at/legacy")))
    answer = await client.get("/echo/at/legacy")
    assert answer.status_code in (200, 404)  # whatever the service has there: the request got to it
    assert "application/problem+json" not in answer.headers.get("content-type", "")
    changing.apply(changing.set())
    assert (await client.get("/echo/at/legacy")).json()["type"] == "/problems/no-such-route"


async def test_a_limit_that_is_edited_holds_at_once_and_keeps_its_bucket(
    changing: Changing, client: httpx.AsyncClient
) -> None:
    assert "r=1" in (await client.get("/echo/limited")).headers["ratelimit"]
    changing.apply(changing.set(**{LIMITED: "limit = '20/1h'"}))
    answer = await client.get("/echo/limited")
    assert answer.headers["ratelimit-policy"] == '"default";q=20;w=3600'
    assert "r=9" in answer.headers["ratelimit"]  # half of it was used
    changing.apply(changing.set(**{LIMITED: "limit = '20/1h'", "GET /sized": "deadline = '3s'"}))
    assert "r=8" in (await client.get("/echo/limited")).headers["ratelimit"]  # another route was edited


async def test_what_is_in_flight_ends_on_the_table_that_it_began_on(
    changing: Changing, client: httpx.AsyncClient
) -> None:
    async with client.stream("GET", "/events") as answer:
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"data: 1\n\n"
        changing.apply(changing.write({"other": 'name = "other"\n[app]\nmodule = "other"\n'}))
        assert (await client.get("/events")).status_code == 404
        async with httpx.AsyncClient(base_url=changing.town.things[0].url) as inside:
            await inside.get("/release")
        assert await anext(parts) == b"data: 2\n\n"

    async def forgotten() -> bool:
        page = await metrics(client)
        return changing.name not in page

    await until(forgotten)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('name = "x"\n[app]\nmodule = "x"\n[defaults]\ndedline = "5s"\n', "dedline"),
        (
            'name = "x"\n[app]\nmodule = "x"\n[[route]]\nmatch = "GET /a"\ndeadline = "21s"\n',
            "above the gateway's ceiling",
        ),
        ('name = "x"\n[app]\nmodule = "x"\n[[route]]\nmatch = "GET /a"\n[[route]]\nmatch = "GET /a"\n', "x has GET /a"),
    ],
)
async def test_what_does_not_compile_is_told_and_changes_nothing(
    changing: Changing, client: httpx.AsyncClient, text: str, why: str
) -> None:
    revision = changing.write({"things": manifest(changing.name), "x": text})
    (talk,) = changing.talks()
    said = talk.say(f"prepare {revision}")
    assert why in str(said["why"])
    assert talk.say("take")["why"] == [] or talk.say("which")["revision"] != revision
    talk.close()
    assert (await client.get("/echo")).status_code == 200


async def test_what_only_a_new_gateway_can_take_in_is_named(changing: Changing) -> None:
    keyed = manifest(changing.name).replace("[defaults]", '[api_keys]\nprefix = "x_"\nswap = "/swap"\n[defaults]', 1)
    (talk,) = changing.talks()
    said = talk.say(f"prepare {changing.write({'things': keyed})}")
    assert said["rolls"] is True
    assert f"{changing.name}: api_keys" in str(said["why"])
    talk.close()


async def test_a_verb_that_dies_has_changed_nothing_and_is_in_nobodys_way(changing: Changing) -> None:
    one, revision = Talk(next(changing._short.iterdir())), changing.set(**{LIMITED: "limit = '7/1h'"})
    before = one.say("which")["revision"]
    other = Talk(next(changing._short.iterdir()))
    assert one.say(f"prepare {revision}")["why"] == []
    assert "another command" in str(other.say(f"prepare {revision}")["why"])
    one.close()

    async def free() -> bool:
        return other.say(f"prepare {revision}")["why"] == []

    await until(free)
    assert other.say("which")["revision"] == before
    other.close()


@pytest.mark.parametrize("word", ["prepare ../things", "prepare current", "prepare", "take", "", "x" * 70_000])
async def test_what_is_no_word_of_a_verb_does_nothing(changing: Changing, client: httpx.AsyncClient, word: str) -> None:
    (talk,) = changing.talks()
    try:
        assert talk.say(word)["why"] != []
    except (ValueError, OSError):
        pass  # it hung up
    finally:
        talk.close()
    assert (await client.get("/echo")).status_code == 200


async def test_no_request_gets_to_where_verbs_do(changing: Changing, client: httpx.AsyncClient) -> None:
    for path in ("/prepare", "/take", "/which", "/control", "/.portico/take"):
        assert (await client.post(path)).status_code == 404
    (path,) = changing._short.iterdir()
    assert path.stat().st_mode & 0o077 == 0


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
    changing: Changing, client: httpx.AsyncClient
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

        async def quiet() -> bool:
            page = await metrics(client)
            busy = re.search(r"^portico_gateway_upstream_connections\{.* [1-9]", page, re.MULTILINE)
            print("Q", bool(busy), [l for l in page.splitlines() if "legacy" in l or "letting" in l or "upstream_connections{" in l])
            return not busy and "legacy" not in page and 'loop="letting-go"' not in page

        await until(quiet)
        page = await metrics(client)
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
    made = Changing(tmp_path, redis_url, gateways=3)
    try:
        async with load(made.town.url) as told:
            for number in range(5):
                await asyncio.to_thread(made.apply, made.set(**{LIMITED: f"limit = '{number + 3}/1h'"}))
        assert told.keys() == {200}
    finally:
        made.end()


async def test_what_is_applied_holds_for_all_or_for_none(tmp_path: Path, redis_url: str) -> None:
    made = Changing(tmp_path, redis_url, gateways=3)
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
    told = {"ENDPOINTS": f"directory:{tmp_path}", "MANIFESTS_DIR": str(tmp_path)}
    with pytest.raises(RuntimeError, match="is not TOML"):
        Served(root / "functions" / "gateway", **told)
