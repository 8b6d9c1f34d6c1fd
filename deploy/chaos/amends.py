"""What a run took is given back: every order that still holds stock is cancelled by whoever placed it.

In: the people of a run and the rows of its orders. Out: nothing; `missing` says which stock is not what it was.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from deploy.chaos.ledger import Order
from deploy.chaos.traffic import Person
from deploy.chaos.wire import Broken, Request, Sender

_AT_ONCE = 8
_TRIES = 5  # of one order; a stack that was just struck may refuse a few
_BREATH = 1.0  # seconds between two of them, unless the answer says how long
_HOLDING = ("placed", "paid")


async def give_back(sender: Sender, people: Sequence[Person], orders: Sequence[Order]) -> None:
    """Returns when each was cancelled, or refused for good."""
    tokens = {person.user: person.token for person in people}
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(order: Order) -> None:
        async with turns:
            await _cancel(sender, order.order, tokens[order.user])

    await asyncio.gather(*(one(each) for each in orders if each.user in tokens and each.status in _HOLDING))


def missing(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each product of which there are fewer pieces in stock than before."""
    for product, pieces in sorted(before.items()):
        if (left := after.get(product, 0)) < pieces:
            yield f"{pieces - left} pieces of {product} were not given back: `just seed --again` fills it up"


async def _cancel(sender: Sender, order: str, token: str) -> None:
    request = Request("POST", f"/orders/{order}/cancel", {"Authorization": f"Bearer {token}"})
    for _ in range(_TRIES):
        pause = _BREATH
        try:
            answer = await sender.send(request)
        except (OSError, Broken):
            pass
        else:
            if answer.status < 500 and answer.status != 429:
                return
            pause = float(answer.headers.get("retry-after", _BREATH))
        await asyncio.sleep(pause)
