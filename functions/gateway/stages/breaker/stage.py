"""Tells the circuit of an instance what came of each attempt; balancing asks it whom to choose.

A failure is no answer at all, an answer with one of the route's `failures`, and one that did not come before the
deadline, unless the client may still have been sending: what its own body or leaving ends says nothing about the
instance. Of one request each instance fails once at most, however often it was tried there. It never refuses a request.
"""

from asyncio import CancelledError
from collections.abc import Callable, Container
from time import monotonic

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.stages.breaker.circuit import State
from functions.gateway.stages.breaker.circuits import Circuits
from functions.gateway.stages.forward.stage import InstanceFailed

_CLOSED = State.CLOSED  # an enum's members are looked up slowly


def breaker(circuits: Circuits, failures: Container[int], clock: Callable[[], float] = monotonic) -> Stage:
    """`failures`: statuses that only a broken instance answers with; `clock` in seconds."""

    def stage(handler: Handler) -> Handler:
        async def guarded(exchange: Exchange) -> Response:
            circuit = circuits.of(exchange.instance)
            generation = circuit.generation if circuit.state is _CLOSED else circuit.enter(clock())
            try:
                response = await handler(exchange)
            except BaseException as error:
                if _failed(exchange, error) and not _again(exchange):
                    circuit.failed(generation, clock(), reached=_reached(error))
                else:
                    circuit.abandoned(generation)
                circuits.heard(circuit)
                raise
            if response.status in failures:
                if _again(exchange):
                    circuit.abandoned(generation)
                else:
                    circuit.failed(generation, clock(), reached=True)
                circuits.heard(circuit)
            elif circuit.history or circuit.state is not _CLOSED:
                circuit.succeeded(generation)
                circuits.heard(circuit)
            return response

        return guarded

    return stage


def _failed(exchange: Exchange, error: BaseException) -> bool:
    """Whether that is the instance's doing."""
    late = isinstance(error, CancelledError) and exchange.overdue and exchange.whole
    return late or isinstance(error, InstanceFailed)


def _reached(error: BaseException) -> bool:
    return not isinstance(error, InstanceFailed) or error.sent


def _again(exchange: Exchange) -> bool:
    """Whether the instance has failed this very request before."""
    return exchange.tried.count(exchange.instance) > 1
