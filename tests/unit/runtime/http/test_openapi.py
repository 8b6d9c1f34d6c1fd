"""runtime/http/openapi.py: the document says what the handlers do, in words that a client's tools understand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, ClassVar

import httpx
import msgspec
import pytest
from litestar import Litestar, delete, get, post
from litestar.params import FromPath, JSONBody

from runtime.http.api import api
from runtime.http.openapi import PATH, answers, document, publish
from runtime.http.problem import FORBIDDEN, Kind

GONE = Kind("thing-gone", 410, "Thing gone", "It was here.")
Sku = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{1,3}\Z", examples=["abc"])]


class Colour(str):
    """Reads text by itself."""

    __slots__ = ()

    SCHEMA: ClassVar = {"enum": ["red", "blue"]}

    @classmethod
    def parse(cls, text: str) -> "Colour":
        return cls(text)


class NewThing(msgspec.Struct, forbid_unknown_fields=True):
    """What is taken."""

    sku: Sku
    colour: Colour
    amount: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1


class Thing(msgspec.Struct):
    sku: str


class Query(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1)] = 20
    colour: Colour | msgspec.UnsetType = msgspec.UNSET


@post("/things", opt=answers({201: Thing}, GONE, FORBIDDEN, headers=("Location",), takes={"If-Match": str}))
async def make(data: JSONBody[NewThing]) -> Thing:
    """Makes a thing.

    In
    more words.
    """
    return Thing(data.sku)


@get("/things", opt=answers({200: list[Thing]}, query=Query, headers=("ETag",)))
async def show_all() -> list[Thing]:
    """All."""
    return []


@delete("/things/{sku:str}", status_code=204, opt=answers({204: None}, path={"sku": Sku}))
async def remove(sku: FromPath[str], principal: FromPath[str] = "") -> None:
    """Removes one."""


@get("/inside")
async def inside() -> None:
    """For nobody outside: it has no answers."""


def told() -> dict[str, Any]:
    return document([make, show_all, remove, inside])


def problems(operation: dict[str, Any], status: int) -> list[str]:
    content = operation["responses"][str(status)]["content"]["application/problem+json"]
    _, narrowed = content["schema"]["allOf"]
    assert narrowed["properties"]["status"] == {"const": status}
    found: list[str] = narrowed["properties"]["type"]["enum"]
    return found


def test_only_what_has_answers_is_told() -> None:
    said = told()
    assert said["openapi"].startswith("3.1")
    assert {path: set(item) for path, item in said["paths"].items()} == {
        "/things": {"post", "get"},
        "/things/{sku}": {"delete"},
    }


def test_a_handler_speaks_in_its_own_words() -> None:
    operation = told()["paths"]["/things"]["post"]
    assert (operation["operationId"], operation["summary"]) == ("make", "Makes a thing.")
    assert operation["description"] == "In more words."


def test_a_body_is_described_by_its_type_with_patterns_that_every_tool_reads() -> None:
    said = told()
    body = said["paths"]["/things"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewThing"}
    thing = said["components"]["schemas"]["NewThing"]
    assert thing["additionalProperties"] is False
    assert thing["properties"]["sku"] == {"type": "string", "pattern": "^[a-z]{1,3}$", "examples": ["abc"]}
    assert thing["properties"]["colour"] == {"type": "string", "enum": ["red", "blue"]}
    assert thing["properties"]["amount"]["maximum"] == 9


def test_parameters_come_from_path_query_and_headers() -> None:
    paths = told()["paths"]
    [sku] = paths["/things/{sku}"]["delete"]["parameters"]
    assert (sku["name"], sku["in"], sku["required"]) == ("sku", "path", True)
    limit, colour = paths["/things"]["get"]["parameters"]
    assert (limit["name"], limit["required"], limit["schema"]["minimum"]) == ("limit", False, 1)
    assert colour["schema"]["enum"] == ["red", "blue"]
    [if_match] = paths["/things"]["post"]["parameters"]
    assert (if_match["name"], if_match["in"], if_match["required"]) == ("If-Match", "header", True)


def test_who_asks_for_the_caller_needs_a_token_and_may_refuse_one() -> None:
    paths = told()["paths"]
    assert paths["/things/{sku}"]["delete"]["security"] == [{"bearer": []}]
    assert problems(paths["/things/{sku}"]["delete"], 401) == ["/problems/unauthenticated"]
    assert paths["/things"]["get"]["security"] == []
    assert "401" not in paths["/things"]["get"]["responses"]


@pytest.mark.parametrize(("status", "slug"), [(410, "thing-gone"), (403, "forbidden"), (415, "unsupported-media-type")])
def test_problems_are_told_by_status_and_slug(status: int, slug: str) -> None:
    assert problems(told()["paths"]["/things"]["post"], status) == [f"/problems/{slug}"]


def test_an_answer_has_a_type_its_headers_and_for_who_has_it_already_none() -> None:
    paths = told()["paths"]
    responses = paths["/things"]["get"]["responses"]
    assert responses["200"]["content"]["application/json"]["schema"]["type"] == "array"
    assert responses["200"]["headers"]["ETag"]["required"] is True
    assert "content" not in responses["304"]
    assert "content" not in paths["/things/{sku}"]["delete"]["responses"]["204"]


async def test_an_application_publishes_its_own() -> None:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        yield

    site: Any = api([make, show_all, publish], lifespan=lifespan, failures={})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://api") as client:
        answer = await client.get(PATH)
    assert answer.headers["content-type"] == "application/openapi+json"
    assert answer.json() == document([make, show_all])
