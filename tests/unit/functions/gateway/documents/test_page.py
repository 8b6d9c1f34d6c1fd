"""The page for people: every route is on it, nothing of a function is markup, nothing is loaded or run."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from functions.gateway.documents.merge import Told, merged, read
from functions.gateway.documents.page import POLICY, page
from functions.gateway.routes import DEFAULTS, Route
from runtime.http.problem import FORBIDDEN
from runtime.manifest import Policy
from runtime.units import Limit, Rule

EVIL = "<script>alert(1)</script><img src=x>"
VOID = {"meta", "tr", "th", "td", "li", "br"}


class Reader(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if "href" in told else []

    def handle_data(self, data: str) -> None:
        self.text += data


def told(words: str = "Lists them.") -> Told:
    problem = {"content": {"application/problem+json": {"examples": {FORBIDDEN.slug: {}}}}, "description": "No."}
    shown = {"schema": {"$ref": "#/components/schemas/Item"}, "example": {"name": words}}
    found = read(
        msgspec.json.encode(
            {
                "openapi": "3.1.1",
                "paths": {
                    "/things/{id}": {
                        "post": {
                            "operationId": "change",
                            "summary": words,
                            "description": f"More: {words}",
                            "parameters": [{"name": "id", "in": "path", "schema": {"type": words}}],
                            "requestBody": {"content": {"application/json": shown}},
                            "responses": {
                                "200": {"description": words, "content": {"application/json": shown}},
                                "204": {"description": words},
                                "403": problem,
                            },
                        }
                    }
                },
                "components": {"schemas": {"Item": {"type": "object", "properties": {words: {"type": "string"}}}}},
            }
        )
    )
    assert found is not None
    return found


LIMIT = Rule(Limit(100, 60, 20))
ROUTES = [
    Route("things", "POST", "/things/{id}", Policy(limit=LIMIT, idempotency="honoured").over(DEFAULTS)),
    Route("things", "GET", "/things", Policy(auth="public").over(DEFAULTS)),
    Route("others", "PUT", "/others", Policy(role="admin").over(DEFAULTS)),
]


def read_page(words: str = "Lists them.") -> Reader:
    return Reader(page(merged(ROUTES, {"things": told(words)})))


def test_every_route_has_its_place_and_the_contents_lead_there() -> None:
    found = read_page()
    assert set(found.ids) == {"things_change", "things_get_things", "others_put_others"}
    assert {f"#{name}" for name in found.ids} <= set(found.links)


@pytest.mark.parametrize(
    "words",
    [
        "Needs a token. 100 requests in 60 s by principal, 20 at once. Honours Idempotency-Key. Answers within 5 s.",
        "For anyone. Answers within 5 s.",
        "Needs a token of the role admin.",
        "Lists them.",
        'curl -X POST "$PORTICO"',
    ],
)
def test_policies_and_words_can_be_read(words: str) -> None:
    assert words in read_page().text


def test_a_problem_leads_to_its_explanation() -> None:
    assert "/problems/forbidden" in read_page().links


def test_a_functions_words_are_text_and_no_markup() -> None:
    found = read_page(EVIL)
    assert EVIL in found.text
    assert {"script", "img"}.isdisjoint(found.tags)


def test_nothing_comes_from_elsewhere() -> None:
    text = page(merged(ROUTES, {"things": told()}))
    assert not re.search(r"(?:src|url|@import|action)\s*[=(]|https?://(?!localhost)", text)
    assert all(link.startswith(("#", "/")) for link in Reader(text).links)


def test_the_policy_allows_the_pages_style_and_nothing_else() -> None:
    [style] = re.findall("<style>(.*?)</style>", page(merged(ROUTES, {})), re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in POLICY


def test_a_page_without_routes_is_a_page() -> None:
    assert "<h1>Portico</h1>" in page(merged([], {}))


def test_what_is_opened_is_closed() -> None:
    class Balance(HTMLParser):
        open: list[str]

        def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ANN401, ARG002  as the parser has it
            self.open += [] if tag in VOID else [tag]

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balance()
    parser.open = []
    parser.feed(page(merged(ROUTES, {"things": told()})))
    assert parser.open == []
