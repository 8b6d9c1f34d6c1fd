"""What every server of a function is asked: each route in many ways, and then a story that only this function knows.

In: a server, and tokens. Out: all its answers, in which whatever is new each time is called by its kind.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from runtime.manifest import Manifest
from tests.contract.deploy.package.servers import Answer, Headers, Server

Ask = Callable[..., Answer]
Story = Callable[[Ask, Headers, Headers], None]

ID = "0197a3c2-8c5e-7000-8000-000000000001"
KINDS = {
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "<id>",
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z": "<time>",
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+": "<token>",
    r'(?<="refresh_token":")[^"]+|(?<="refresh_token": ")[^"]+': "<token>",
    r'(?<=cursor=)[\w-]+|(?<="next_cursor":")[^"]+': "<cursor>",
    r'"[\w-]{20}"': "<etag>",
}


def answers(server: Server, manifest: Manifest, member: Headers, admin: Headers) -> list[tuple[str, Answer]]:
    """Each question, and its answer."""
    told: list[tuple[str, Answer]] = []

    def ask(method: str, target: str, headers: Headers | None = None, body: bytes | str = b"") -> Answer:
        body = body.encode() if isinstance(body, str) else body
        answer = server.ask(
            method, target, {**({"Content-Type": "application/json"} if body else {}), **(headers or {})}, body
        )
        told.append((_named(f"{method} {target} {body!r}"), _by_kind(answer)))
        return answer

    for method, target, headers, body in questions(manifest, member):
        ask(method, target, headers, body)
    STORIES.get(manifest.name, things)(ask, member, admin)
    return told


def questions(manifest: Manifest, member: Headers) -> Iterator[tuple[str, str, Headers, bytes]]:
    """Each route with and without a token, a body, a deadline; and what is no route."""
    for route in manifest.route:
        target = re.sub(r"\{[a-z_]+\}", ID, route.path)
        for who in ({}, member):
            yield route.method, target, who, b""
            yield route.method, target, {**who, "X-Deadline-Ms": "0", "X-Request-Id": "r-1"}, b""
            for body in (b"{}", b"[1, 2", b'{"more": "\xff"}', b'"text"'):
                yield route.method, target, {**who, "Idempotency-Key": '"a-key"'}, body
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for target in ("/", "/livez", "/readyz", "/nothing/here", manifest.route[0].path.split("{")[0]):
            yield method, target, member, b""
    yield from (("GET", target, {}, b"") for target in ("/openapi.json", "/caf%C3%A9?a=%20&a", "/?", "/a%20b/c"))


def things(ask: Ask, member: Headers, _admin: Headers) -> None:
    """Of what `just new` makes with a database."""
    added = ask("POST", "/things", {**member, "Idempotency-Key": '"1"'}, '{"title": "Größe"}')
    ask("POST", "/things", {**member, "Idempotency-Key": '"1"'}, '{"title": "Größe"}')
    ask("POST", "/things", {**member, "Idempotency-Key": '"1"'}, '{"title": "other"}')
    ask("POST", "/things", {**member, "Idempotency-Key": '"2"'}, '{"title": "second"}')
    page = ask("GET", "/things?limit=1", member)
    ask("GET", page.header("link").partition(">")[0].lstrip("<"), member)
    shown = ask("GET", added.header("location"), member)
    ask("GET", added.header("location"), {**member, "If-None-Match": shown.header("etag")})
    ask("HEAD", added.header("location"), member)
    ask("DELETE", added.header("location"), member)
    ask("GET", added.header("location"), member)


def echoes(ask: Ask, _member: Headers, _admin: Headers) -> None:
    """Of what `just new --stateless` makes."""
    shown = ask("GET", "/echoes/caf%C3%A9")
    ask("GET", "/echoes/caf%C3%A9", {"If-None-Match": shown.header("etag")})
    ask("HEAD", "/echoes/a%2Fb")


def orders(ask: Ask, member: Headers, admin: Headers) -> None:
    """A product, an order of it that is placed once, and what becomes of it."""
    mug = '{"name": "Mug", "currency": "EUR", "unit_price": 900, "stock": 3}'
    for who in (member, admin, admin):
        ask("PUT", "/products/mug", who, mug)
    shown = ask("GET", "/products/mug")
    ask("GET", "/products/mug", {"If-None-Match": shown.header("etag")})
    ask("GET", "/products?limit=1")
    two = '{"items": [{"sku": "mug", "quantity": 2}]}'
    placed = ask("POST", "/orders", {**member, "Idempotency-Key": '"1"'}, two)
    for key, body in (("1", two), ("1", two.replace("2", "1")), ("2", two), ("3", two.replace("mug", "jug"))):
        ask("POST", "/orders", {**member, "Idempotency-Key": f'"{key}"'}, body)
    where = placed.header("location")
    for action in ("pay", "pay", "cancel", "ship"):
        ask("POST", f"{where}/{action}", member)
    ask("GET", where, member)
    ask("GET", where, admin)
    ask("GET", "/orders?limit=1&status=cancelled", member)
    ask("GET", "/orders?limit=0", member)


def users(ask: Ask, _member: Headers, _admin: Headers) -> None:
    """An account from its first day to its last."""
    ada = '{"email": "ada@example.org", "name": "Ada", "password": "correct horse battery"}'
    made = ask("POST", "/users", {}, ada)
    ask("POST", "/users", {}, ada.upper())
    ask("POST", "/users", {}, ada)
    ask("POST", "/sessions", {}, '{"email": "ada@example.org", "password": "wrong horse battery"}')
    pair = ask("POST", "/sessions", {}, '{"email": "ada@example.org", "password": "correct horse battery"}').json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    ask("POST", "/sessions/refresh", {}, f'{{"refresh_token": "{pair["refresh_token"]}"}}')
    me = ask("GET", "/users/me", bearer)
    ask("GET", "/users/me", {**bearer, "If-None-Match": me.header("etag")})
    ask("PATCH", "/users/me", bearer)
    ask("PATCH", "/users/me", bearer, '{"name": "Ada L."}')
    for _ in range(2):
        ask("PATCH", "/users/me", {**bearer, "If-Match": me.header("etag")}, '{"name": "Ada L."}')
    ask("GET", made.header("location"))
    ask("GET", "/users", bearer)
    ask("GET", "/sessions", bearer)
    ask("PUT", "/users/me/password", bearer, '{"password": "another horse battery"}')
    ask("DELETE", "/sessions/current", bearer)
    ask("DELETE", "/users/me", bearer)
    ask("GET", made.header("location"))


STORIES: Mapping[str, Story] = {"users": users, "orders": orders, "echoes": echoes, "things": things}


def _by_kind(answer: Answer) -> Answer:
    """The same for two servers that were asked the same, each with data of its own, and an order of its own in sets."""
    headers = [(name, _named(_in_order(value) if name == "allow" else value)) for name, value in answer.headers]
    is_json = answer.header("content-type").endswith("json")
    body = json.dumps(answer.json(), sort_keys=True, separators=(",", ":")) if is_json and answer.body else answer.body
    return Answer(answer.status, headers, _named(body))


def _in_order(methods: str) -> str:
    return ", ".join(sorted(methods.split(", ")))


def _named(text: str) -> str:
    for pattern, kind in KINDS.items():
        text = re.sub(pattern, kind, text)
    return text
