"""A tour with real calls through the front door: each request and its answer is printed, and checked on the way.

In: an engine that runs. Out: what a reader of the contract would expect, or the first step that differs.
"""

import json
import secrets
from collections.abc import Callable
from typing import Any

import httpx

from deploy import door
from deploy.engine import Engine, Refusal
from runtime.visible import visible

_SHOWN = ("x-request-id", "x-instance", "location", "etag", "ratelimit", "cache-control", "cache-status")
_ALSO_SHOWN = ("idempotency-replayed", "www-authenticate", "retry-after", "link")

Show = Callable[[str], None]


def main(engine: Engine) -> int:
    """Walks the tour, putting products in first when there are none."""
    with door.opened(engine.address(), 10) as client:
        walk = Tour(client, print)
        if not walk.products() and engine.run("orders", "functions.orders.seed") == 0:
            print("\nThere were no products: the seed is in now.")
        walk.all()
    print("\nEvery answer was as the contract says.")
    return 0


class Tour:
    """One person's way through the API."""

    def __init__(self, client: httpx.Client, show: Show) -> None:
        self._client = client
        self._show = show
        self._bearer: dict[str, str] = {}

    def all(self) -> None:
        """Raises Refusal at the first answer that is not as the contract says."""
        user = self.register()
        self.log_in(user)
        self.me(user)
        self.order(self.products())
        self.refused()

    def register(self) -> dict[str, str]:
        name = secrets.token_hex(4)
        user = {"email": f"{name}@example.com", "name": f"Visitor {name}", "password": secrets.token_urlsafe(18)}
        self.call(201, "POST", "/users", body=user)
        return user

    def log_in(self, user: dict[str, str]) -> None:
        answer = self.call(201, "POST", "/sessions", body={key: user[key] for key in ("email", "password")})
        self._bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def me(self, user: dict[str, str]) -> None:
        answer = self.call(200, "GET", "/users/me", self._bearer)
        self.expect("the email", answer.json()["email"], user["email"])

    def products(self) -> list[dict[str, Any]]:
        now = {"Cache-Control": "no-cache"}  # and not what there was before a seed
        items: list[dict[str, Any]] = self.call(200, "GET", "/products?limit=3", now).json()["items"]
        return items

    def order(self, products: list[dict[str, Any]]) -> None:
        """Places one, sends the same once more, and reads it back."""
        if not products:
            raise Refusal("There are no products to order: put some in with `just seed`.")
        if not any(product["stock"] for product in products):
            raise Refusal("The products are sold out: fill them up with `just seed --again`.")
        keyed = self._bearer | {"Idempotency-Key": secrets.token_hex(16)}
        most = max(products, key=lambda product: product["stock"])
        body = {"items": [{"sku": most["sku"], "quantity": 1}]}
        placed = self.call(201, "POST", "/orders", keyed, body)
        replayed = self.call(201, "POST", "/orders", keyed, body)
        self.expect("Idempotency-Replayed", replayed.headers.get("idempotency-replayed"), "true")
        self.expect("the replayed order", replayed.json(), placed.json())
        read = self.call(200, "GET", placed.headers["location"], self._bearer)
        self.expect("the order read back", read.json()["id"], placed.json()["id"])
        listed = self.call(200, "GET", "/orders", self._bearer).json()["items"]
        self.expect("the orders", [order["id"] for order in listed], [placed.json()["id"]])

    def refused(self) -> None:
        anonymous = self.call(401, "GET", "/orders")
        self.expect("the problem", anonymous.json()["type"], "/problems/unauthenticated")
        unknown = self.call(404, "GET", "/nothing/here")
        self.expect("the problem", unknown.json()["type"], "/problems/no-such-route")

    def call(
        self, status: int, method: str, target: str, headers: dict[str, str] | None = None, body: object = None
    ) -> httpx.Response:
        """The answer, which was shown and has that status and a request id."""
        answer = self._client.request(method, door.url(self._client, target), headers=headers, json=body)
        self._show(rendered(answer))
        self.expect(f"the status of {method} {target}", answer.status_code, status)
        if "x-request-id" not in answer.headers:
            raise Refusal(f"{method} {target} was answered without an X-Request-Id: read `just logs`.")
        return answer

    def expect(self, what: str, got: object, wanted: object) -> None:
        if got != wanted:
            raise Refusal(f"{what} is {got}, and the contract says {wanted}: read `just logs`.")


def rendered(answer: httpx.Response) -> str:
    """A request line, and the answer as a person wants to see it: what is telling, and the body indented."""
    request = answer.request
    lines = [f"\n> {request.method} {request.url.raw_path.decode()}"]
    lines += [f"> {name}: {request.headers[name]}" for name in ("idempotency-key",) if name in request.headers]
    lines.append(f"< {answer.status_code} {answer.reason_phrase}")
    lines += [f"< {name}: {answer.headers[name]}" for name in _SHOWN + _ALSO_SHOWN if name in answer.headers]
    lines += _body(answer)
    return visible("\n".join(lines), lines=True)


def _body(answer: httpx.Response) -> list[str]:
    if "json" not in answer.headers.get("content-type", ""):
        return [answer.text] if answer.text else []
    return json.dumps(answer.json(), indent=2, ensure_ascii=False).split("\n")
