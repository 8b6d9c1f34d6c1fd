"""The OpenAPI document as one page for people: every route, what it takes and answers, and a call to copy.

In: the merged document. Out: HTML that loads nothing, runs nothing, and takes no text for markup; POLICY says so to
browsers.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from functions.gateway.documents.call import call
from functions.gateway.documents.outline import described, members

Schema = Mapping[str, Any]

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(document: Schema) -> str:
    """The whole page."""
    title, about = (escape(document["info"][name]) for name in ("title", "description"))
    paragraphs = "".join(f"<p>{_coded(text)}</p>" for text in about.split("\n\n"))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style>"
        f"<header><h1>{title}</h1>{paragraphs}"
        "<p>The calls below want <code>PORTICO=http://localhost:8080</code>, or where this is, and a "
        '<code>TOKEN</code>. For tools: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p></header>'
        f"<nav>{''.join(_contents(document))}</nav><main>{''.join(_sections(document))}</main></html>\n"
    )


def _tagged(document: Schema, tag: str) -> Iterator[tuple[str, str, Schema]]:
    """Path, method and operation of every route of one function."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if tag in operation["tags"]:
                yield path, method.upper(), operation


def _contents(document: Schema) -> Iterator[str]:
    for tag in document["tags"]:
        links = "".join(
            f'<li><a href="#{escape(operation["operationId"])}">{_route(path, method)}</a>'
            for path, method, operation in _tagged(document, tag["name"])
        )
        yield f"<h2>{escape(tag['name'])}</h2><ul>{links}</ul>"


def _route(path: str, method: str) -> str:
    return f'<b class="{method.lower()}">{method}</b> <code>{escape(path)}</code>'


def _sections(document: Schema) -> Iterator[str]:
    components = document["components"]["schemas"]
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, method, operation in _tagged(document, tag["name"]):
            yield "".join(_article(path, method, operation, components))


def _article(path: str, method: str, operation: Schema, components: Mapping[str, Schema]) -> Iterator[str]:
    yield f'<article id="{escape(operation["operationId"])}"><h3>{_route(path, method)}</h3>'
    yield f"<p>{_coded(escape(operation.get('summary', '')))} {_coded(escape(operation.get('description', '')))}</p>"
    yield f'<p class="policy">{escape(". ".join(_policy(operation)))}.</p>'
    if parameters := operation["parameters"]:
        rows = ((each["name"], each["in"], described(each["schema"], components), each) for each in parameters)
        cells = [
            (f"<code>{escape(name)}</code>", place, escape(type_), _need(each)) for name, place, type_, each in rows
        ]
        yield _table(("parameter", "in", "is", ""), cells)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        yield _body(body.get("schema", {}), components)
    yield f"<pre>{escape(call(path, method, operation))}</pre>"
    yield "".join(_answers(operation, components))
    yield "</article>"


def _need(parameter: Schema) -> str:
    return "required" if parameter.get("required") else ""


def _policy(operation: Schema) -> Iterator[str]:
    """Who may call, and what the gateway does, in words."""
    said = operation["x-portico"]
    roles = [role for scheme in operation["security"] for role in scheme.get("bearer", ())]
    yield (
        f"Needs a token of the role {roles[0]}" if roles else "Needs a token" if operation["security"] else "For anyone"
    )
    for limit in said.get("limits", {}).values():
        yield f"{limit['requests']} requests in {limit['seconds']} s by {limit['by']}, {limit['at_once']} at once"
    if said.get("idempotency_key") == "honoured":
        yield "Honours Idempotency-Key"
    yield f"Answers within {said['deadline_seconds']:g} s"


def _body(schema: Schema, components: Mapping[str, Schema]) -> str:
    rows = [
        (f"<code>{escape(name)}</code>", escape(type_), "required" if required else "")
        for name, type_, required in members(schema, components)
    ]
    return _table(("body", "is", ""), rows)


def _answers(operation: Schema, components: Mapping[str, Schema]) -> Iterator[str]:
    """The answers of success in full, the problems by name."""
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        shown = next((each for kind, each in content.items() if kind != "application/problem+json"), None)
        if shown is not None:
            names = " ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", {}))
            yield f"<details><summary>{escape(status)}, with {names}</summary>{_shown(shown, components)}</details>"
        elif not content:
            yield f"<p>{escape(status)}: {escape(answer['description'])}</p>"
    problems = [_problem(status, slug) for status, answer in operation["responses"].items() for slug in _slugs(answer)]
    if problems:
        yield f"<details><summary>Problems</summary><ul>{''.join(problems)}</ul></details>"


def _shown(shown: Schema, components: Mapping[str, Schema]) -> str:
    example = json.dumps(shown["example"], indent=2, ensure_ascii=False) if "example" in shown else ""
    return _body(shown.get("schema", {}), components) + (f"<pre>{escape(example)}</pre>" if example else "")


def _slugs(answer: Schema) -> list[str]:
    """The kinds of problem that an answer may be: those of its examples."""
    return list(answer.get("content", {}).get("application/problem+json", {}).get("examples", {}))


def _problem(status: str, slug: str) -> str:
    return f'<li>{escape(status)} <a href="/problems/{escape(slug)}">{escape(slug)}</a>'


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Cells are markup already."""
    top = "".join(f"<th>{escape(cell)}" for cell in head)
    return f"<table><tr>{top}{''.join('<tr>' + ''.join(f'<td>{cell}' for cell in row) for row in rows)}</table>"


def _coded(escaped: str) -> str:
    """Words between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
