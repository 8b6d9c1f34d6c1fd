"""A call to copy says what the request wants, and is one command whatever the examples hold."""

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.documents.call import call

TOKEN = ["-H", "Authorization: Bearer $TOKEN"]


def operation(*parameters: dict[str, Any], secured: bool = False, example: object = None) -> dict[str, Any]:
    body = {"requestBody": {"content": {"application/json": {"example": example}}}} if example is not None else {}
    return {"parameters": list(parameters), "security": [{"bearer": []}] if secured else [], **body}


def parameter(name: str, place: str, example: str) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string", "examples": [example]}}


def words(path: str, method: str, said: dict[str, Any]) -> list[str]:
    return shlex.split(call(path, method, said).replace("\\\n", ""))


def test_a_get_is_short() -> None:
    assert call("/things", "GET", operation()) == 'curl "$PORTICO"/things'


def test_everything_that_is_needed_is_there() -> None:
    said = operation(parameter("Idempotency-Key", "header", "one"), secured=True, example={"sku": "mug"})
    body = ["-H", "Content-Type: application/json", "-d", '{"sku": "mug"}']
    wanted = ["curl", "-X", "POST", "$PORTICO/things", *TOKEN, "-H", "Idempotency-Key: one", *body]
    assert words("/things", "POST", said) == wanted


def test_a_path_is_filled_in_and_the_query_is_left_to_the_reader() -> None:
    said = operation(parameter("id", "path", "a b/c"), parameter("limit", "query", "5"))
    assert words("/things/{id}/more", "GET", said) == ["curl", "$PORTICO/things/a%20b%2Fc/more"]


def test_what_has_no_example_is_left_open() -> None:
    said = {"parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}], "security": []}
    assert words("/things/{id}", "GET", said) == ["curl", "$PORTICO/things/…"]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_no_example_breaks_out_of_its_place(text: str) -> None:
    said = operation(parameter("If-Match", "header", text), parameter("id", "path", text), example=text)
    found = words("/things/{id}", "POST", said)
    assert len(found) == len(["curl", "-X", "POST", "url", "-H", "…", "-H", "…", "-d", "…"])
    assert found[5] == f"If-Match: {text}"


@pytest.mark.parametrize("evil", ["$(id)", "`id`", "'; id; '", '" && id'])
def test_what_a_shell_would_run_is_quoted(evil: str) -> None:
    said = operation(parameter("If-Match", "header", evil))
    assert words("/things", "PUT", said)[-1] == f"If-Match: {evil}"
    assert "'" in call("/things", "PUT", said)
