"""`just cache` on a real Redis: what is held is shown, and what is purged is forgotten by a gateway that runs."""

import asyncio
from pathlib import Path

import pytest

from functions.gateway.cached import lines, main, place
from functions.gateway.routes import compile_routes
from tests.contract.conftest import RedisServer
from tests.contract.functions.gateway.stages.cache.conftest import Gateway, until
from tests.contract.functions.gateway.stages.cache.test_redis import answer
from tests.exchanges import manifest
from tests.unit.functions.gateway.stages.cache.heads import NOW, get, held

MANIFEST = """
name = "things"
[app]
module = "things"
[[route]]
match = "GET /things/{id}"
auth = "public"
cache = "shared"
cache_drop = ["utm"]
"""


@pytest.fixture
def surroundings(tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "functions/things").mkdir(parents=True)
    (tmp_path / "functions/things/function.toml").write_text(MANIFEST)
    monkeypatch.setenv("FUNCTIONS_DIR", str(tmp_path / "functions"))
    monkeypatch.setenv("DISCOVERY", "directory:/nowhere")
    monkeypatch.setenv("CACHE_URL", redis_server.url)


async def said(*words: str) -> str:
    """What the command line answers, beside a gateway that goes on."""
    return await asyncio.to_thread(main, list(words))


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("words", [("/things/1?utm=x",), ("things", "--group", "one"), ("--all",)])
async def test_what_is_held_is_shown_until_it_is_purged_everywhere(
    redis_server: RedisServer, words: tuple[str, ...]
) -> None:
    key = b"things /things/1"
    async with Gateway(redis_server.url).running() as gateway:
        levels = gateway.levels
        assert await said("look", "/things/1") == "Nothing is held of it."
        levels.keep("things", key, answer(), (await levels.recall(key)).began)
        await levels.recall(key)
        assert "200, 10 bytes, 0 s old, fresh for" in await said("look", "/things/1?utm=x")
        assert (await said("purge", *words)).startswith("Forgotten everywhere: ")
        await until(lambda: not levels.held(key))
        assert await said("look", "/things/1") == "Nothing is held of it."


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    "written", ["/things/thé", "/things/th%c3%a9", "/things/%74h%C3%A9?utm=x&#top", "/things/thé?"]
)
async def test_a_target_is_found_however_a_person_writes_it(redis_server: RedisServer, written: str) -> None:
    key = b"things /things/th%C3%A9"
    async with Gateway(redis_server.url).running() as gateway:
        levels = gateway.levels
        levels.keep("things", key, answer(), (await levels.recall(key)).began)
        await levels.recall(key)
        assert "200, 10 bytes" in await said("look", written)
        await said("purge", written)
        await until(lambda: not levels.held(key))


@pytest.mark.usefixtures("surroundings")
async def test_what_no_route_keeps_is_told(redis_server: RedisServer) -> None:
    with pytest.raises(SystemExit, match="No route with a cache has /nowhere"):
        await said("look", "/nowhere")
    with pytest.raises(SystemExit, match=r"has /\\u001b\[2J:"):
        await said("look", "/\x1b[2J")
    for words in (["look"], ["purge"], ["purge", "--group", "one"]):
        with pytest.raises(SystemExit, match="Say which target"):
            await said(*words)
    redis_server.kill()
    with pytest.raises(SystemExit, match="does not answer"):
        await said("look", "/things/1")
    for what in ("/things/1", "--all"):
        with pytest.raises(SystemExit, match="does not answer"):
            await said("purge", what)


@pytest.mark.usefixtures("surroundings")
async def test_a_group_of_a_function_that_there_is_not_or_that_keeps_nothing_is_an_error() -> None:
    with pytest.raises(SystemExit, match="No function nope has a route with a cache: there are things"):
        await said("purge", "nope", "--group", "one")


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    "words", ["look x --group one", "look --all", "purge things --all", "purge --all --group x", "purge /x --foo"]
)
async def test_what_can_not_be_meant_is_told_with_the_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await said(*words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: just cache ")


@pytest.mark.usefixtures("surroundings")
async def test_without_a_shared_cache_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_URL", "")
    with pytest.raises(SystemExit, match="no shared cache"):
        await said("look", "/things/1")


def test_a_target_counts_as_its_route_says() -> None:
    route = {"match": "GET /things/{id}", "cache": "shared", "cache_keep": ["a"]}
    routes = compile_routes([manifest(route, {"match": "GET /others"})])
    assert place(routes, "/things/%31?b=2&a=1") == b"things /things/1?a=1"
    assert place(routes, "/others") is place(routes, "/none") is None


def test_what_strangers_put_into_an_answer_is_shown_written_out() -> None:
    one = held("Cache-Control: max-age=60", 'ETag: "\x9b2J"', "Vary: X", asked=get("X: \xff\x90"), age=70)
    (shown,) = lines([one], NOW)
    assert shown.isprintable()
    assert "\\u009b2J" in shown


def test_a_line_tells_what_an_answer_is_and_whose() -> None:
    one = held("Cache-Control: max-age=60", 'ETag: "a"', 'Cache-Groups: "b"', "Vary: X", asked=get("X: 1"), age=70)
    assert list(lines([one], NOW)) == [
        '200, 10 bytes, 70 s old, stale for 10 s, etag "a", groups b, for http://portico.test, x:1'
    ]
