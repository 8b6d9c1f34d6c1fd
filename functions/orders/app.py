"""Orders over HTTP: the handlers, and the one place where they and those of products meet their database and keys.

In: requests that the gateway let through. Out: orders, and problems. The rules are in model.py, the SQL is in store.py;
nothing starts at import.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
from litestar import Litestar, Response, Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from functions.orders import model, products, store
from functions.orders.dependencies import Asked, Caller, Data, existing, named
from functions.orders.model import NewOrder, Order, OrderQuery, Status
from runtime.database import Connection, Database
from runtime.database.idempotency import (
    KEPT_MS,
    Answer,
    Claim,
    Key,
    fingerprint,
    once,
    parse_key,
    purge,
)
from runtime.database.ids import uuid7
from runtime.database.load_metrics import watch
from runtime.database.migrate import opened
from runtime.database.retention import purging
from runtime.http.api import api, given, invalid
from runtime.http.conditional import etag, shown
from runtime.http.fields import lines
from runtime.http.openapi import answers, publish
from runtime.http.page import Page, page
from runtime.http.plain import Plain
from runtime.http.preconditions import Asking, Conditions
from runtime.http.problem import (
    FORBIDDEN,
    IN_FLIGHT,
    INVALID,
    KEY_MISSING,
    MISMATCH,
)
from runtime.http.validation import Invalid
from runtime.identity.authenticated import principal as caller
from runtime.identity.authenticated import require_role
from runtime.identity.jwks import from_url
from runtime.identity.verifier import Principal, Verifier
from runtime.instant import from_rfc3339, now_ms
from runtime.serving.application import application as outermost
from runtime.serving.background import beside
from runtime.serving.health import Health
from runtime.settings import Secret, load
from runtime.telemetry.metrics import Metrics

PRIVATE = {"Cache-Control": "private, no-cache"}

STEP = answers(
    {200: Order},
    *(FORBIDDEN, model.INVALID_TRANSITION),
    path={"order_id": model.Id},
    headers=("ETag", "Cache-Control"),
)


class Settings(msgspec.Struct, frozen=True):
    """The environment of this function."""

    database_url: Secret
    jwks_url: str  # where the public keys of tokens are
    token_issuer: str = "portico"  # noqa: S105  a name, not a secret
    token_audience: str = "portico"  # noqa: S105  a name, not a secret


@post(
    "/orders",
    opt=answers(
        {201: Order},
        *(KEY_MISSING, IN_FLIGHT, MISMATCH, model.OUT_OF_STOCK),
        takes={"Idempotency-Key": Key},
        headers=("Location", "ETag", "Cache-Control"),
    ),
)
async def place_order(request: Asked, data: JSONBody[NewOrder], principal: Caller, database: Data) -> Response[bytes]:
    """Places an order, once for each Idempotency-Key."""
    key = parse_key(lines(request.scope["headers"], b"idempotency-key"))
    # Of what the body says and not of its bytes: some clients write members in another order each time.
    claim = Claim(principal.id, "POST", "/orders", key, fingerprint(msgspec.json.encode(data)))
    effect = partial(_place, data, principal.id)
    answer, replayed = await once(database, claim, effect, now=now_ms, refusals=(INVALID, model.OUT_OF_STOCK))
    headers = dict(answer.headers) | ({"Idempotency-Replayed": "true"} if replayed else {})
    return Plain(answer.body, status_code=answer.status, headers=headers, media_type="application/json")


@get("/orders", opt=answers({200: Page[Order]}, FORBIDDEN, query=OrderQuery, headers=("ETag", "Cache-Control")))
async def list_orders(request: Asked, principal: Caller, database: Data) -> Response[bytes]:
    """The caller's orders, newest first; an admin may ask for another's."""
    query = OrderQuery.read(request.scope["query_string"])
    owner = query.user_id or principal.id
    if owner != principal.id:
        require_role(principal, "admin")
    async with database.single() as connection:
        found = page(await store.orders(connection, owner, query), query.limit, lambda order: order.id)
    link = found.next_link("/orders", request.scope["query_string"])
    return shown(request, found, headers={**PRIVATE, **link})


@get(
    "/orders/{order_id:str}",
    opt=answers({200: Order}, path={"order_id": model.Id}, headers=("ETag", "Cache-Control")),
)
async def show_order(request: Asked, order_id: FromPath[str], principal: Caller, database: Data) -> Response[bytes]:
    """One order of the caller's."""
    async with database.single() as connection:
        order = await store.order(connection, named(model.Id, order_id))
    return shown(request, _own(order, principal), headers=PRIVATE)


@post("/orders/{order_id:str}/pay", status_code=200, opt=STEP)
async def pay_order(
    request: Asked, order_id: FromPath[str], principal: Caller, database: Data, conditions: Asking
) -> Response[bytes]:
    """Says that an order of the caller's is paid."""
    return shown(request, await _step(database, order_id, "paid", principal, conditions), headers=PRIVATE)


@post("/orders/{order_id:str}/cancel", status_code=200, opt=STEP)
async def cancel_order(
    request: Asked, order_id: FromPath[str], principal: Caller, database: Data, conditions: Asking
) -> Response[bytes]:
    """Cancels an order of the caller's; what it took goes back into stock."""
    return shown(request, await _step(database, order_id, "cancelled", principal, conditions), headers=PRIVATE)


@post("/orders/{order_id:str}/ship", status_code=200, opt=STEP)
async def ship_order(
    request: Asked, order_id: FromPath[str], principal: Caller, database: Data, conditions: Asking
) -> Response[bytes]:
    """Says that an order is on its way; for admins."""
    require_role(principal, "admin")
    return shown(request, await _step(database, order_id, "shipped", None, conditions), headers=PRIVATE)


async def _place(new: NewOrder, user_id: str, connection: Connection) -> Answer:
    products, lacking = await store.take(connection, new.items)
    now = now_ms()
    try:
        order = model.place(uuid7(), user_id, new.items, products, now)
    except Invalid as refusal:
        raise invalid(refusal) from None
    if lacking:
        raise model.out_of_stock(lacking)
    await store.add_order(connection, order, now)
    body = msgspec.json.encode(order)
    headers = {**PRIVATE, "Location": f"/orders/{order.id}", "ETag": etag(body)}
    return Answer(201, list(headers.items()), body)


async def _step(
    database: Database, order_id: str, to: Status, owner: Principal | None, conditions: Conditions
) -> Order:
    """Moves an order on, unless it is there already. Without an owner: whoever's it is."""
    async with database.write() as connection:
        found = await store.locked_order(connection, named(model.Id, order_id))
        order = _own(found, owner) if owner else existing(found)
        if model.step(order.status, to):
            conditions.require(order, from_rfc3339(order.updated_at))
            await store.set_status(connection, order.id, to, now_ms())
            if to == "cancelled":
                await store.give_back(connection, order.items)
        return existing(await store.order(connection, order.id))


def _own(order: Order | None, principal: Principal) -> Order:
    """Another's order is not told from none."""
    return existing(order if order and order.user_id == principal.id else None)


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Opens the database, and closes it; the keys of tokens are fetched meanwhile, or when the first token comes."""
    settings = load(Settings, os.environ)
    database = await opened(str(settings.database_url), Path(__file__).parent)
    health.checks["database"] = database.ping
    watch(database, metrics)
    app.state.database = database
    keys = from_url(settings.jwks_url)
    app.state.verifier = Verifier(keys, issuer=settings.token_issuer, audience=settings.token_audience)
    try:
        async with purging(lambda: purge(database, now_ms() - KEPT_MS)), beside(app.state.verifier.renewing()):
            yield
    finally:
        await database.close()


HANDLERS = [
    place_order,
    list_orders,
    show_order,
    pay_order,
    cancel_order,
    ship_order,
]

health = Health()
metrics = Metrics()
routes = Router(
    "/",
    route_handlers=[*products.HANDLERS, *HANDLERS],
    dependencies={
        "database": given("database"),
        "verifier": given("verifier"),
        "principal": Provide(caller),
    },
)
application = outermost(api([routes, publish], lifespan=lifespan, failures={}), health, metrics)
