"""Steady traffic of all kinds: which call is the next one, and what its answer puts into the ledger.

A turn of twenty-five calls goes round and round, so that every second of the load is like every other. Pure but for
the names of keys: it opens no connection, and who sends is the load's business.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle

from deploy.chaos.ledger import Ledger
from deploy.chaos.sample import Kind
from deploy.chaos.wire import Answer, Request

PASSWORD = "a password that many accounts of one run have"  # noqa: S105  of accounts that are made to be thrown away

# One turn: half of it are orders with keys. Of the reads some are public and some private; what is settled is paid or
# cancelled.
_TURN = (
    "place", "read", "place", "settle", "place", "settle", "place", "read", "place", "settle", "place", "slow",
    "settle", "place", "read", "place", "settle", "place", "settle", "place", "read", "place", "settle", "list",
    "settle",
)  # fmt: skip
_REGISTER = 100  # one call in so many makes an account: a password is hashed for it
_PAY = 24  # one order in so many is paid, the others are cancelled: a run uses up little of the stock
_SLOWLY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Person:
    """An account that is logged in."""

    user: str
    token: str


@dataclass(frozen=True, slots=True)
class Call:
    """`name` is its method and route; the rest is what its answer is about."""

    kind: Kind
    name: str
    request: Request
    key: str = ""
    order: str = ""
    status: str = ""
    email: str = ""


class Traffic:
    """The calls of `people`; `stock` is how many pieces of each product they may order together."""

    def __init__(self, run: str, people: Sequence[Person], stock: Mapping[str, int], ledger: Ledger) -> None:
        self._run = run
        self._ledger = ledger
        self._turn = cycle(_TURN)
        self._people = cycle(people)
        self._left = dict(stock)
        self._products = cycle(stock)
        self._ordered: dict[str, str] = {}  # key or order -> its product
        self._numbers = count(1)
        self._placed: deque[tuple[Person, str]] = deque()
        self._owners = {person.user: person for person in people}
        self._reads = self._read_calls()

    def next(self) -> Call:
        """Writes down what is asked for, before it is sent."""
        number = next(self._numbers)
        if number % _REGISTER == 0:
            return self._register(number)
        match next(self._turn):
            case "place" | "slow" as how if any(self._left.values()):
                return self._place(number, Kind.SLOW if how == "slow" else Kind.KEYED)
            case "settle" if self._placed:
                return self._settle(number)
            case "list":
                return _get("/orders", next(self._people), "?limit=100")
            case _:
                return next(self._reads)

    def answered(self, call: Call, answer: Answer) -> None:
        """Writes down what a good answer acknowledges."""
        if call.key:
            order = str(json.loads(answer.body)["id"])
            self._ledger.confirm(call.key, order)
            self._ordered[order] = self._ordered[call.key]
            self._placed.append((self._owners[self._ledger.placed[call.key]], order))
        elif call.order:
            self._ledger.settled[call.order] = call.status
            self._left[self._ordered[call.order]] += call.status == "cancelled"
        elif call.email:
            self._ledger.registered.append(call.email)

    def _read_calls(self) -> Iterator[Call]:
        for person in self._people:
            yield _get("/products")
            yield _get("/users/me", person)
            yield _get("/products/{}", of=next(self._products))
            yield _get("/users/{}", of=person.user)
            if self._placed:
                owner, order = self._placed[-1]
                yield _get("/orders/{}", owner, of=order)

    def _place(self, number: int, kind: Kind) -> Call:
        person, key = next(self._people), f"{self._run}-{number}"
        self._ledger.placed[key] = person.user
        self._ordered[key] = product = next(each for each in self._products if self._left[each])
        self._left[product] -= 1
        body = {"items": [{"sku": product, "quantity": 1}]}
        slowly = _SLOWLY if kind is Kind.SLOW else 0.0
        return Call(kind, "POST /orders", _post("/orders", body, person, key=key, slowly=slowly), key=key)

    def _settle(self, number: int) -> Call:
        person, order = self._placed.popleft()
        verb, status = ("pay", "paid") if number % _PAY == 0 else ("cancel", "cancelled")
        self._ledger.asked[order] = status
        request = _post(f"/orders/{order}/{verb}", None, person)
        return Call(Kind.UNKEYED, f"POST /orders/{{id}}/{verb}", request, order=order, status=status)

    def _register(self, number: int) -> Call:
        email = f"{self._run}-{number}@example.com"
        body = {"email": email, "name": "Passer-by", "password": PASSWORD}
        return Call(Kind.UNKEYED, "POST /users", _post("/users", body), email=email)


def _get(path: str, person: Person | None = None, query: str = "", *, of: str = "") -> Call:
    request = Request("GET", path.format(of) + query, _bearer(person))
    return Call(Kind.READ, f"GET {path.format('{id}')}", request)


def _post(path: str, body: object, person: Person | None = None, *, key: str = "", slowly: float = 0.0) -> Request:
    headers = {"Content-Type": "application/json"} if body else {}
    headers |= {"Idempotency-Key": key} if key else {}
    content = json.dumps(body).encode() if body else b""
    return Request("POST", path, headers | _bearer(person), content, slowly)


def _bearer(person: Person | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"} if person else {}
