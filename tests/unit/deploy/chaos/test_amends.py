from deploy.chaos import amends
from deploy.chaos.ledger import Order
from deploy.chaos.traffic import Person
from deploy.chaos.wire import Answer, Broken, Request


class Shop:
    """Refuses the first call of each order, in one way or another."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def send(self, request: Request) -> Answer:
        call = request.target, request.headers["Authorization"]
        first = call not in self.asked
        self.asked.append(call)
        if first and "/a/" in request.target:
            raise Broken("the connection was closed")
        return Answer(429 if first else 200, {"retry-after": "0"}, b"")


async def test_what_holds_stock_is_cancelled_by_who_placed_it_until_that_is_answered() -> None:
    shop, people = Shop(), [Person("ann", "token-a"), Person("bob", "token-b")]
    orders = [
        Order("a", "ann", "placed"),
        Order("b", "bob", "paid"),
        Order("c", "bob", "cancelled"),
        Order("d", "bob", "shipped"),
        Order("e", "somebody else", "placed"),
    ]
    await amends.give_back(shop, people, orders)
    assert (
        sorted(shop.asked)
        == [("/orders/a/cancel", "Bearer token-a")] * 2 + [("/orders/b/cancel", "Bearer token-b")] * 2
    )


def test_what_did_not_come_back_is_told() -> None:
    told = list(amends.missing({"mug": 5, "tea": 3, "tray": 1}, {"mug": 5, "tea": 1}))
    assert told == [
        "2 pieces of tea were not given back: `just seed --again` fills it up",
        "1 pieces of tray were not given back: `just seed --again` fills it up",
    ]
