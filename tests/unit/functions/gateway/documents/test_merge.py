"""The merged document: the routes of the manifests, in the functions' words, under the gateway's policies."""

from typing import Any

import msgspec
import pytest

from functions.gateway.documents.merge import Told, merged, read, shape
from functions.gateway.routes import DEFAULTS, Route
from runtime.manifest import Policy
from runtime.units import Limit, Rule


def route(match: str, function: str = "things", **policy: Any) -> Route:  # noqa: ANN401  of Policy
    method, _, path = match.partition(" ")
    return Route(function, method, path, Policy(**policy).over(DEFAULTS))


def operation(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  of an Operation Object
    return {"operationId": name, "summary": name, "responses": {"200": {"description": "Done."}}, **more}


def told(paths: dict[str, Any], schemas: dict[str, Any] | None = None) -> Told:
    document = {"openapi": "3.1.1", "paths": paths, "components": {"schemas": schemas or {}}}
    found = read(msgspec.json.encode(document))
    assert found is not None
    return found


def one(declared: Route, said: dict[str, Any]) -> dict[str, Any]:
    """What becomes of the only route."""
    document = merged([declared], {declared.function: told(said)})
    [item] = document["paths"].values()
    found: dict[str, Any] = item[declared.method.lower()]
    return found


def test_words_are_the_functions_own() -> None:
    found = one(route("GET /things"), {"/things": {"get": operation("list", description="All of them.")}})
    assert (found["summary"], found["description"], found["tags"]) == ("list", "All of them.", ["things"])
    assert found["operationId"] == "things_list"


def test_what_is_no_route_is_not_told() -> None:
    said = told({"/things": {"get": operation("list")}, "/inside": {"get": operation("inside")}})
    assert list(merged([route("GET /things")], {"things": said})["paths"]) == ["/things"]


def test_a_method_that_the_format_has_no_word_for_is_left_out() -> None:
    assert merged([route("M-SEARCH /things"), route("GET /things")], {})["paths"]["/things"].keys() == {"get"}


def test_a_function_does_not_speak_for_another() -> None:
    document = merged([route("GET /things")], {"others": told({"/things": {"get": operation("mine")}})})
    assert document["paths"]["/things"]["get"]["operationId"] == "things_get_things"


def test_a_route_that_nobody_describes_is_told_by_its_manifest() -> None:
    found = one(route("DELETE /things/{id}"), {})
    assert [each["name"] for each in found["parameters"]] == ["id"]
    assert found["security"] == [{"bearer": []}]
    assert "default" in found["responses"]


@pytest.mark.parametrize(
    ("policy", "security"),
    [
        ({"auth": "public"}, []),
        ({"auth": "bearer"}, [{"bearer": []}]),
        ({"auth": "bearer", "role": "admin"}, [{"bearer": ["admin"]}]),
    ],
)
def test_who_may_call_is_the_gateways_word(policy: dict[str, Any], security: list[Any]) -> None:
    said = {"/things": {"get": operation("list", security=[{"other": []}])}}
    assert one(route("GET /things", **policy), said)["security"] == security


def test_a_limit_is_told_and_its_headers_are_on_every_answer() -> None:
    said = {"/things": {"get": operation("list")}}
    limited = one(route("GET /things", limit=Rule(Limit(100, 60, 20))), said)
    assert limited["x-portico"]["limits"] == {
        "default": {"requests": 100, "seconds": 60, "at_once": 20, "by": "principal"}
    }
    assert {"RateLimit", "RateLimit-Policy", "X-Request-Id"} <= limited["responses"]["200"]["headers"].keys()
    assert list(one(route("GET /things"), said)["responses"]["200"]["headers"]) == ["X-Request-Id"]


@pytest.mark.parametrize("status", ["429", "503"])
def test_who_is_to_come_back_is_told_when(status: str) -> None:
    said = {"/things": {"get": operation("list", responses={status: {"description": "Later."}})}}
    assert "Retry-After" in one(route("GET /things"), said)["responses"][status]["headers"]


def test_headers_that_are_referred_to_are_there() -> None:
    said = {"/things": {"get": operation("list", responses={"429": {"description": "Later."}})}}
    document = merged([route("GET /things", limit=Rule(Limit(1, 1, 1)))], {"things": told(said)})
    refs = document["paths"]["/things"]["get"]["responses"]["429"]["headers"].values()
    assert {ref["$ref"].rpartition("/")[2] for ref in refs} <= document["components"]["headers"].keys()


def test_a_key_that_is_honoured_is_told() -> None:
    said = one(route("POST /things", idempotency="honoured"), {})
    assert said["x-portico"]["idempotency_key"] == "honoured"


def test_a_path_has_one_spelling_and_its_parameters_follow() -> None:
    named = {"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}}
    header = {"name": "sku", "in": "header", "schema": {"type": "string"}}
    said = {"/things/{sku}": {"get": operation("show", parameters=[named, header])}}
    document = merged([route("GET /things/{id}"), route("PUT /things/{name}")], {"things": told(said)})
    assert list(document["paths"]) == ["/things/{id}"]
    assert [each["name"] for each in document["paths"]["/things/{id}"]["get"]["parameters"]] == ["id", "sku"]
    assert [each["name"] for each in document["paths"]["/things/{id}"]["put"]["parameters"]] == ["id"]


def test_two_functions_may_have_a_schema_of_the_same_name() -> None:
    def said(type_: str) -> Told:
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}
        answer = {"200": {"description": "Done.", "content": content}}
        item = {"get": operation("list", responses=answer)}
        inner = {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}
        return told({f"/{type_}": item}, {"Item": {"type": type_}, "Items": inner})

    document = merged([route("GET /a", "a"), route("GET /b", "b")], {"a": said("a"), "b": said("b")})
    schemas = document["components"]["schemas"]
    assert (schemas["a.Item"]["type"], schemas["b.Item"]["type"]) == ("a", "b")
    assert schemas["b.Items"]["items"] == {"$ref": "#/components/schemas/b.Item"}
    shown = document["paths"]["/b"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shown == {"$ref": "#/components/schemas/b.Item"}


def test_a_problem_is_the_same_everywhere() -> None:
    document = merged([], {name: told({}, {"ProblemBody": {"type": "object"}}) for name in "ab"})
    assert list(document["components"]["schemas"]) == ["ProblemBody"]


def test_the_name_of_a_function_becomes_a_word() -> None:
    assert merged([route("GET /a", "my-things")], {})["paths"]["/a"]["get"]["operationId"] == "my_things_get_a"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"openapi": "3.0.3", "paths": {}}',
        b'{"openapi": "3.1.0"}',
        b'{"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}',
        b'{"openapi": "3.1.0", "paths": {"/a": {"parameters": []}}}',
    ],
)
def test_what_cannot_be_merged_is_no_document(document: bytes) -> None:
    assert read(document) is None


def test_the_shape_of_a_path_forgets_names() -> None:
    assert shape("/a/{b}/c") == shape("/a/{x}/c") != shape("/a/b/c")


def test_a_parameter_that_is_many_steps_is_shown_as_one_and_gives_way_to_one_that_is() -> None:
    document = merged([route("GET /a/{rest...}"), route("GET /a/{z}"), route("PUT /a/b/{rest...}")], {})
    assert list(document["paths"]) == ["/a/{z}", "/a/b/{rest}"]
    assert document["paths"]["/a/{z}"]["get"]["summary"] == "GET /a/{z}"
    assert [each["name"] for each in document["paths"]["/a/b/{rest}"]["put"]["parameters"]] == ["rest"]
