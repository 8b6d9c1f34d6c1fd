"""Chooses an instance: of two at random, the one with fewer requests in flight.

Source: Mitzenmacher, The Power of Two Choices in Randomized Load Balancing (2001). An instance whose circuit is open is
left out; one that this request has tried is chosen again only when there is no other. Where nobody is there, and a
probe is under way that may tell otherwise, a request waits for it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.instances.watch import Membership
from functions.gateway.stages.breaker.circuits import Circuits
from functions.gateway.stages.breaker.turn import refusal, turn
from functions.gateway.stages.retry.stage import Elsewhere
from runtime.http.problem import UNREACHABLE, Problem

Below = Callable[[int], int]  # a random whole number from 0 to below the argument
Clock = Callable[[], float]  # seconds


def balance(
    members: Membership,
    in_flight: Counter[str],
    circuits: Circuits,
    below: Below,
    clock: Clock = monotonic,
) -> Stage:
    """`in_flight` counts requests by address, for all routes of a function together; `clock` in seconds."""

    def stage(handler: Handler) -> Handler:
        async def balanced(exchange: Exchange) -> Response:
            alive: Sequence[str] = members.addresses
            if circuits.disturbed:
                alive = await admitted(members, exchange, circuits, clock)
            address = exchange.instance = choose(alive, exchange.tried, in_flight, below)
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


async def admitted(members: Membership, exchange: Exchange, circuits: Circuits, clock: Clock) -> Sequence[str]:
    """Those of `members` that may be asked now, or once a probe has told. Raises Problem circuit-open when none may."""
    called = False
    while True:
        alive, now = members.addresses, clock()
        if exchange.tried and (others := untried(alive, exchange, circuits, now)):
            return others
        if (found := circuits.admitted(alive, now)) or not alive:
            return found
        if not circuits.probing(alive) or not await turn(circuits, exchange.deadline, first=called):
            raise refusal(circuits, alive, clock())
        called = True


def untried(alive: Sequence[str], exchange: Exchange, circuits: Circuits, now: float) -> list[str]:
    """Those that the request has not been sent to, and whose circuits let it."""
    return [address for address in alive if address not in exchange.tried and circuits.lets(address, now)]


def elsewhere(members: Membership, circuits: Circuits, clock: Clock = monotonic) -> Elsewhere:
    """Whether a request may be tried again: at another instance, or, with `same`, at one that has had it as well."""

    def elsewhere(exchange: Exchange, *, same: bool) -> bool:
        alive, now = members.addresses, clock()
        if same:
            return any(circuits.lets(address, now) for address in alive)
        return bool(untried(alive, exchange, circuits, now))

    return elsewhere


def choose(alive: Sequence[str], tried: Sequence[str], in_flight: Counter[str], below: Below) -> str:
    """An address of `alive`. Raises Problem upstream-unreachable when there is none."""
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
