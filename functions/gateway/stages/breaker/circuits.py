"""The circuits of a function's instances together: who of them may be asked now, and who waits to hear it.

An instance whose circuit is open is ejected, but never more than half of them at once: when most instances fail, what
they share (a database, a network) is the likelier cause, and the few healthy ones would drown in the traffic of all.
Then (panic) those that failed last are asked in spite of their circuits. When no circuit at all is closed, a bad answer
has nothing to stand out from: it may be one path's, or one client's doing, so all that answer are asked as if nothing
were. Only where nobody is there any more is the function as a whole open: nothing goes to it but probes. Source: Envoy,
outlier detection, `max_ejection_percent` and `healthy_panic_threshold`, both 50 % here, and its distinction of errors
that come from the instance from those of reaching it. It knows no clock: `now` is in seconds of the caller's.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence

from functions.gateway.stages.breaker.circuit import Circuit, Jitter, Rules, State

Call = Callable[[], bool]  # tells one who waits to look again; whether anybody was there

MOST = 1000  # requests that wait for a probe; there are never more than are let to the function at once
_CALLED = 2  # by each word of an instance on trial: so their number doubles with each answer, and is no herd


def _untold() -> None:
    """Nobody counts."""


class Circuits:
    """One circuit for each instance, by address; `opened` is told each time one opens.

    `disturbed` holds the circuits that are not closed, by address: while it is empty nobody needs to ask.
    """

    def __init__(self, rules: Rules, jitter: Jitter, opened: Callable[[], None] = _untold) -> None:
        self.disturbed: dict[str, Circuit] = {}
        self._circuits: dict[str, Circuit] = {}
        self._rules = rules
        self._jitter = jitter
        self._opened = opened
        self._waiting: OrderedDict[Call, None] = OrderedDict()

    def of(self, address: str) -> Circuit:
        """The circuit of one instance, a closed one when it is new."""
        circuit = self._circuits.get(address)
        if circuit is None:
            circuit = Circuit(self._rules, self._jitter, lambda changed: self._note(address, changed))
            self._circuits[address] = circuit
        return circuit

    def lets(self, address: str, now: float) -> bool:
        """Whether the instance's own circuit lets a request through."""
        circuit = self.disturbed.get(address)
        return circuit is None or circuit.lets(now)

    def admitted(self, addresses: Sequence[str], now: float) -> Sequence[str]:
        """Those of `addresses` that may be asked; none when nobody is there and no probe is due."""
        out = [address for address in addresses if not self.lets(address, now)]
        allowed = len(addresses) // 2
        if all(address in self.disturbed for address in addresses):
            out = [address for address in out if self.disturbed[address].away]
        elif len(out) > allowed:
            out = sorted(out, key=lambda address: self.disturbed[address].opened)[:allowed]
        return [address for address in addresses if address not in out]

    def probing(self, addresses: Iterable[str]) -> bool:
        """Whether one of `addresses` is half open: where none is admitted, its probes are under way."""
        return any(self.of(address).state is State.HALF_OPEN for address in addresses)

    def retry_after(self, addresses: Iterable[str], now: float) -> float:
        """Seconds until the first of `addresses` may be probed."""
        return min((max(0.0, self.of(address).until - now) for address in addresses), default=0.0)

    def forget(self, address: str) -> None:
        """The instance left. Whoever comes back under its address begins anew."""
        if circuit := self._circuits.pop(address, None):
            circuit.forget()
            self.disturbed.pop(address, None)
        self.call(len(self._waiting))

    def wait(self, call: Call, *, first: bool = False) -> bool:
        """Has `call` called when there is word of a probe; False when too many wait. `first`: before all others."""
        if len(self._waiting) >= MOST:
            return False
        self._waiting[call] = None
        if first:
            self._waiting.move_to_end(call, last=False)
        return True

    def leave(self, call: Call) -> None:
        """Nobody waits to be called any more; harmless when nobody did."""
        self._waiting.pop(call, None)

    def heard(self, circuit: Circuit) -> None:
        """There is word of an instance: a few may look again while it is on trial, and all once that is decided."""
        if self._waiting:
            lost = circuit.state is State.OPEN and circuit.away
            self.call(_CALLED if circuit.history and not lost else len(self._waiting))

    def reached(self, address: str) -> None:
        """A connection was made there: who waits for a probe need not hear its answer, which may never come."""
        if circuit := self.disturbed.get(address):
            circuit.reached()
            self.call(_CALLED)

    def call(self, number: int = 1) -> None:
        """Calls so many of those who wait, who came first before the others."""
        while number and self._waiting:
            number -= self._waiting.popitem(last=False)[0]()

    def states(self, addresses: Iterable[str]) -> Counter[State]:
        """How many of `addresses` are in which state."""
        return Counter(self.of(address).state for address in addresses)

    def _note(self, address: str, circuit: Circuit) -> None:
        if circuit.state is State.CLOSED:
            del self.disturbed[address]
            return
        self.disturbed[address] = circuit
        if circuit.state is State.OPEN:
            self._opened()
