"""A shop with two customers, an admin, and a ledger of what they did: the machine behind test_invariants.py.

It speaks to the real function, and to processes of it that are killed. A step that breaks an invariant says which.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from httpx import AsyncClient, Response
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from functions.orders.app import application
from runtime.database import Database
from tests.doomed import killed
from tests.invariants import holds
from tests.served import running

Headers = Mapping[str, str]
Basket = dict[str, int]

SKUS = ("mug", "tea", "rare")
STEPS = {"pay": "paid", "cancel": "cancelled", "ship": "shipped"}
ALLOWED = {("placed", "paid"), ("placed", "cancelled"), ("paid", "cancelled"), ("paid", "shipped")}

CONSERVED = "stock is conserved"
COVERED = "nothing is sold that is not there"
MONEY = "money adds up"
ONCE = "one order per key"
OWN_KEYS = "a key is its owner's alone"
PRIVATE = "nobody sees another's order"
STATES = "an order goes where it may"
PAGES = "pages neither skip nor repeat an order"

customers = st.sampled_from(["alice", "bob"])
keys = st.sampled_from([f"key-{n}" for n in range(12)])
baskets = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)
steps = st.sampled_from(sorted(STEPS))
picks = st.integers(0, 10**6)
points = st.integers(0, 14)  # of a transaction; the last ones are behind its end
delays = st.sampled_from([0, 0, 200, 1000, 4000])  # microseconds


class Shop(RuleBasedStateMachine):
    """Two customers, an admin, and a ledger of what they did."""

    url: str
    jwks_url: str
    people: Mapping[str, Headers]
    mortal = True  # whether requests die; in another process no planted bug lives
    taken = 0  # steps, by all machines of a class

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stock: Basket = {}
        self.price: Basket = {}
        self.orders: dict[str, dict[str, Any]] = {}  # by id, in the order they were made
        self.owner: dict[str, str] = {}
        self.lost: set[tuple[str, str]] = set()  # keys of requests that nobody heard the answer of
        self.answers: dict[tuple[str, str], tuple[Basket, Response]] = {}
        self.life = running(application)
        self.client: AsyncClient = self.runner.run(self.life.__aenter__())

    def teardown(self) -> None:
        self.runner.run(self.life.__aexit__(None, None, None))
        self.runner.close()

    @initialize()
    def empty(self) -> None:
        self.runner.run(empty(self.url))
        for sku in SKUS:
            self.restock(sku, 1 if sku == "rare" else 8, 100)

    @rule(sku=st.sampled_from(SKUS), stock=st.integers(0, 8), price=st.integers(0, 10**9))
    def restock(self, sku: str, stock: int, price: int) -> None:
        new = {"name": sku, "currency": "EUR", "unit_price": price, "stock": stock}
        found = self.all(self.client.get(f"/products/{sku}"))[0].headers.get("etag", "")
        state = {"If-Match": found} if found else {"If-None-Match": "*"}
        put = self.client.put(f"/products/{sku}", json=new, headers={**self.people["admin"], **state})
        assert self.all(put)[0].is_success
        self.stock[sku], self.price[sku] = stock, price

    @rule(who=customers, key=keys, basket=baskets)
    def place(self, who: str, key: str, basket: Basket) -> None:
        self.note(who, key, basket, self.all(self.ask(who, key, basket))[0])

    @rule(who=customers, key=keys, basket=baskets, times=st.integers(2, 5))
    def place_at_once(self, who: str, key: str, basket: Basket, times: int) -> None:
        answers = self.all(*(self.ask(who, key, basket) for _ in range(times)))
        known = (who, key) in self.answers
        firsts = [answer for answer in answers if "idempotency-replayed" not in answer.headers]
        holds(ONCE, known or len(firsts) <= 1, f"{len(firsts)} of {times} were the first")
        holds(OWN_KEYS, known or len(firsts) == 1, "a replay of what its owner never asked for")
        for answer in [*([] if known else firsts), *(answer for answer in answers if known or answer is not firsts[0])]:
            self.note(who, key, basket, answer)

    @rule(who=customers, wanted=st.lists(baskets, min_size=2, max_size=4))
    def place_others_at_once(self, who: str, wanted: list[Basket]) -> None:
        names = [f"once-{len(self.answers) + number}" for number in range(len(wanted))]
        answers = self.all(*(self.ask(who, key, basket) for key, basket in zip(names, wanted, strict=True)))
        for key, basket, answer in sorted(
            zip(names, wanted, answers, strict=True), key=lambda asked: asked[2].status_code
        ):
            self.note(who, key, basket, answer, in_a_crowd=True)

    @precondition(lambda self: self.mortal)
    @rule(who=customers, key=keys, basket=baskets, turns=st.integers(0, 60))
    def place_and_die(self, who: str, key: str, basket: Basket, turns: int) -> None:
        """The request is cancelled after some turns of the loop, wherever it is by then; the client asks again."""
        self.runner.run(cancelled(self.ask(who, key, basket), turns))
        self.lost.add((who, key))
        self.place(who, key, basket)

    @precondition(lambda self: self.mortal)
    @rule(who=customers, key=keys, basket=baskets, at=points, late=delays)
    def place_and_be_killed(self, who: str, key: str, basket: Basket, at: int, late: int) -> None:
        """The process dies, wherever it is by then; the client asks another one again."""
        headers = {**self.people[who], "Idempotency-Key": key}
        killed(request, self.url, self.jwks_url, "/orders", {"items": lines(basket)}, headers, at=at, late=late)
        self.lost.add((who, key))
        self.place(who, key, basket)

    @precondition(lambda self: self.mortal and self.orders)
    @rule(step=steps, pick=picks, at=points, late=delays)
    def move_and_be_killed(self, step: str, pick: int, at: int, late: int) -> None:
        """As above; what the dead one may have done is as good as done by the next."""
        order = self.some_order(pick)
        who = "admin" if step == "ship" else self.owner[order["id"]]
        path = f"/orders/{order['id']}/{step}"
        killed(request, self.url, self.jwks_url, path, None, self.people[who], at=at, late=late)
        self.move(step, pick, self.owner[order["id"]])

    @precondition(lambda self: self.orders)
    @rule(step=steps, pick=picks, who=customers)
    def move(self, step: str, pick: int, who: str) -> None:
        order = self.some_order(pick)
        asker = "admin" if step == "ship" else who
        answer = self.all(self.step(asker, order["id"], step))[0]
        allowed = order["status"] == STEPS[step] or (order["status"], STEPS[step]) in ALLOWED
        if asker not in {"admin", self.owner[order["id"]]}:
            holds(PRIVATE, answer.status_code == 404, answer.text)
        else:
            holds(STATES, answer.status_code == (200 if allowed else 409), (order["status"], step, answer.text))
            if allowed:
                holds(STATES, answer.json()["status"] == STEPS[step], answer.text)
                self.moved(order, answer.json())

    @precondition(lambda self: self.orders)
    @rule(pick=picks, who=customers)
    def look(self, pick: int, who: str) -> None:
        order = self.some_order(pick)
        answer = self.all(self.client.get(f"/orders/{order['id']}", headers=self.people[who]))[0]
        if who == self.owner[order["id"]]:
            holds(STATES, answer.json() == order, answer.text)
        else:
            holds(PRIVATE, answer.status_code == 404, answer.text)

    @precondition(lambda self: self.orders)
    @rule(wanted=st.lists(steps, min_size=2, max_size=6), pick=picks)
    def move_at_once(self, wanted: list[str], pick: int) -> None:
        order = self.some_order(pick)
        owner = self.owner[order["id"]]
        self.all(*(self.step("admin" if step == "ship" else owner, order["id"], step) for step in wanted))
        self.moved(order, self.all(self.client.get(f"/orders/{order['id']}", headers=self.people[owner]))[0].json())

    @rule(who=customers, limit=st.integers(1, 5), basket=baskets)
    def read_while_orders_come(self, who: str, limit: int, basket: Basket) -> None:
        expected = [order for order in reversed(self.orders.values()) if self.owner[order["id"]] == who]
        seen: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"/orders?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = self.all(self.client.get(query, headers=self.people[who]))[0].json()
            seen, cursor = seen + page["items"], page["next_cursor"]
            self.place(who, f"late-{len(self.answers)}", basket)
        holds(PRIVATE, {order["user_id"] for order in seen} <= {order["user_id"] for order in expected}, seen)
        holds(PAGES, seen == expected, seen)

    @invariant()
    def stock_is_what_the_ledger_says(self) -> None:
        type(self).taken += 1
        shown = self.all(self.client.get("/products"))[0].json()["items"]
        stock = {product["sku"]: product["stock"] for product in shown}
        holds(COVERED, min(stock.values(), default=0) >= 0, stock)
        holds(CONSERVED, stock == self.stock, (stock, self.stock))

    def ask(self, who: str, key: str, basket: Basket) -> Any:  # noqa: ANN401  a request that is not sent yet
        headers = {**self.people[who], "Idempotency-Key": key}
        return self.client.post("/orders", json={"items": lines(basket)}, headers=headers)

    def step(self, who: str, order_id: str, step: str) -> Any:  # noqa: ANN401  see ask
        return self.client.post(f"/orders/{order_id}/{step}", headers=self.people[who])

    def some_order(self, pick: int) -> dict[str, Any]:
        """One of the orders; how many there are is not for hypothesis to know, as it differs from run to run."""
        return list(self.orders.values())[pick % len(self.orders)]

    def all(self, *requests: Any) -> list[Response]:  # noqa: ANN401  see ask
        async def at_once() -> list[Response]:
            return list(await asyncio.gather(*requests))

        return self.runner.run(at_once())

    def note(self, who: str, key: str, basket: Basket, answer: Response, *, in_a_crowd: bool = False) -> None:
        """Holds an answer against the ledger, and writes there what it changed.

        In a crowd it is not known what stock an order met: what it lacked is lacking still when all are done.
        """
        if (who, key) not in self.answers | dict.fromkeys(self.lost):
            holds(OWN_KEYS, "idempotency-replayed" not in answer.headers and answer.status_code != 422, answer.text)
        known, first = self.answers.setdefault((who, key), (basket, answer))
        if list(known.items()) != list(basket.items()):
            holds(ONCE, answer.json().get("type") == "/problems/idempotency-mismatch", answer.text)
        elif first is not answer:
            holds(ONCE, (answer.status_code, answer.content) == (first.status_code, first.content), answer.text)
        elif lacking := sorted(sku for sku in basket if self.stock[sku] < basket[sku]):
            holds(COVERED, answer.status_code == 409, answer.text)
            named = answer.json()["skus"]
            holds(COVERED, named == lacking or (in_a_crowd and named and set(named) < set(lacking)), named)
        else:
            self.placed(who, basket, answer)

    def placed(self, who: str, basket: Basket, answer: Response) -> None:
        order = answer.json()
        holds(STATES, (answer.status_code, order.get("status")) == (201, "placed"), answer.text)
        holds(STATES, {item["sku"]: item["quantity"] for item in order["items"]} == basket, answer.text)
        holds(
            MONEY, order["total"] == sum(item["quantity"] * self.price[item["sku"]] for item in order["items"]), order
        )
        holds(ONCE, order["id"] not in self.orders, order)
        self.orders[order["id"]] = order
        self.orders = dict(sorted(self.orders.items()))
        self.owner[order["id"]] = who
        for sku, quantity in basket.items():
            self.stock[sku] -= quantity

    def moved(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        holds(MONEY, {**after, "status": "", "updated_at": ""} == {**before, "status": "", "updated_at": ""}, after)
        if after["status"] == "cancelled" != before["status"]:
            for item in before["items"]:
                self.stock[item["sku"]] += item["quantity"]
        self.orders[before["id"]] = after


async def cancelled(request: Any, turns: int) -> None:  # noqa: ANN401  see Shop.ask
    """Sends a request and cancels it some turns of the loop later."""
    task = asyncio.ensure_future(request)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})


async def request(url: str, jwks_url: str, path: str, body: object, headers: Headers) -> None:
    """One POST to an instance that has just started, in a process of its own."""
    os.environ |= {"DATABASE_URL": url, "JWKS_URL": jwks_url}
    async with running(application) as client:
        await client.post(path, json=body, headers=headers)


def lines(basket: Basket) -> list[dict[str, object]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in basket.items()]


async def empty(url: str) -> None:
    """Removes every row."""
    database = await Database.open(url, connections=1)
    async with database.write() as connection:
        for table in ("order_items", "orders", "products", "idempotency_keys"):
            await connection.execute(f"DELETE FROM {table}")  # noqa: S608  names from the line above
    await database.close()
