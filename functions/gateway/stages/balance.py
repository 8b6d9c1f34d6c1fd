"""Chooses an endpoint: of two at random, the one with fewer requests in flight.

Source: Mitzenmacher, The Power of Two Choices in Randomized Load Balancing (2001). An endpoint whose circuit is open is
left out; one that this request has tried is chosen again only when there is no other.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

from functions.gateway.endpoints.watch import Membership
from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.stages.breaker.circuits import Circuits
from runtime.problem import CIRCUIT_OPEN, UNREACHABLE, Problem

_ALL_ILL = 5.0  # seconds: what makes every instance fail, as a database that is gone, seldom takes less to mend

Below = Callable[[int], int]  # a random whole number from 0 to below the argument


def balance(
    members: Membership,
    in_flight: Counter[str],
    circuits: Circuits,
    below: Below,
    clock: Callable[[], float] = monotonic,
) -> Stage:
    """`in_flight` counts requests by address, for all routes of a function together; `clock` in seconds."""

    def stage(handler: Handler) -> Handler:
        async def balanced(exchange: Exchange) -> Response:
            alive = members.addresses if not circuits.disturbed else closed(members.addresses, circuits, clock())
            address = exchange.endpoint = choose(alive, exchange.tried, in_flight, below)
            exchange.tried.append(address)
            in_flight[address] += 1
            try:
                response = await handler(exchange)
            except BaseException:
                in_flight[address] -= 1
                raise
            response.at_end.append(lambda: in_flight.__setitem__(address, in_flight[address] - 1))
            return response

        return balanced

    return stage


def closed(alive: Sequence[str], circuits: Circuits, now: float) -> Sequence[str]:
    """Those of `alive` that may be asked now. Raises Problem circuit-open when there are some, and none may be."""
    admitted = circuits.admitted(alive, now)
    if alive and not admitted:
        raise Problem(CIRCUIT_OPEN, retry_after=max(_ALL_ILL, circuits.retry_after(alive, now)))
    return admitted


def choose(alive: Sequence[str], tried: Sequence[str], in_flight: Counter[str], below: Below) -> str:
    """An address of `alive`. Raises Problem endpoint-unreachable when there is none."""
    if tried:
        alive = [address for address in alive if address not in tried] or alive
    if not alive:
        raise Problem(UNREACHABLE, "No instance of the function is running.", retry_after=1)
    if len(alive) == 1:
        return alive[0]
    first = below(len(alive))
    second = (first + 1 + below(len(alive) - 1)) % len(alive)
    one, other = alive[first], alive[second]
    return one if in_flight[one] <= in_flight[other] else other
