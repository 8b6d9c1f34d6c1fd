"""Who is asked for documents, how often, and what is told of those that do not answer."""

import asyncio
from typing import Any

import msgspec
import pytest

from functions.gateway.documents.collect import FRESH, Collection
from functions.gateway.routes import DEFAULTS, Route
from runtime.http.problem import UNREACHABLE, Problem

ROUTES = [Route("a", "GET", "/a", DEFAULTS), Route("b", "GET", "/b", DEFAULTS)]


def document(function: str, summary: str) -> bytes:
    operation = {"operationId": "show", "summary": summary, "responses": {"200": {"description": "Done."}}}
    return msgspec.json.encode({"openapi": "3.1.1", "paths": {f"/{function}": {"get": operation}}})


class Functions:
    """Two functions: what each says now, and how often it was asked."""

    def __init__(self) -> None:
        self.says: dict[str, bytes | Problem] = {name: document(name, f"{name} speaks") for name in "ab"}
        self.asked: list[str] = []
        self.now = 0.0

    async def ask(self, function: str) -> bytes:
        self.asked.append(function)
        await asyncio.sleep(0)
        said = self.says[function]
        if isinstance(said, Problem):
            raise said
        return said


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
async def collection(functions: Functions) -> Collection:
    return Collection(ROUTES, functions.ask, lambda: functions.now)


async def summaries(collection: Collection) -> dict[str, str]:
    told: dict[str, Any] = msgspec.json.decode((await collection.documents()).openapi)
    return {path: item["get"]["summary"] for path, item in told["paths"].items()}


async def test_everybody_is_asked_and_told(functions: Functions, collection: Collection) -> None:
    assert await summaries(collection) == {"/a": "a speaks", "/b": "b speaks"}
    assert "b speaks" in (await collection.documents()).page
    assert functions.asked == ["a", "b"]


async def test_nobody_is_asked_before_somebody_reads(functions: Functions, collection: Collection) -> None:
    del collection
    assert functions.asked == []


async def test_a_crowd_of_readers_asks_once(functions: Functions, collection: Collection) -> None:
    await asyncio.gather(*(collection.documents() for _ in range(50)))
    assert functions.asked == ["a", "b"]


async def test_what_has_changed_is_seen_after_a_while(functions: Functions, collection: Collection) -> None:
    await collection.documents()
    functions.says["a"] = document("a", "a says more")
    functions.now = FRESH - 0.1
    assert (await summaries(collection))["/a"] == "a speaks"
    functions.now = FRESH
    assert (await summaries(collection))["/a"] == "a says more"


async def test_who_is_away_from_the_start_is_told_by_the_manifest(functions: Functions, collection: Collection) -> None:
    functions.says["b"] = Problem(UNREACHABLE)
    assert await summaries(collection) == {"/a": "a speaks", "/b": "GET /b"}


@pytest.mark.parametrize("said", [Problem(UNREACHABLE), b"<html>"])
async def test_who_falls_silent_is_told_by_what_it_said(
    functions: Functions, collection: Collection, said: bytes | Problem
) -> None:
    await collection.documents()
    functions.says["b"], functions.now = said, FRESH
    assert (await summaries(collection))["/b"] == "b speaks"


async def test_a_reader_who_leaves_leaves_the_others_waiting_for_nothing(collection: Collection) -> None:
    first, second = (asyncio.create_task(collection.documents()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).openapi


async def test_other_routes_are_told_at_once_and_who_is_away_by_what_it_said(
    functions: Functions, collection: Collection
) -> None:
    await collection.documents()
    functions.says["a"] = Problem(UNREACHABLE)
    collection.describe([each for each in ROUTES if each.function == "a"])
    assert await summaries(collection) == {"/a": "a speaks"}
