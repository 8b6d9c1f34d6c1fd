"""The circuits of a function's endpoints together: who of them may be asked now.

An endpoint whose circuit is open is ejected, but never more than half of them at once: when most endpoints fail, what
they share (a database, a network) is the likelier cause, and the few healthy ones would drown in the traffic of all.
Then (panic) those that failed last are asked in spite of their circuits. Only when no circuit at all is closed is the
function as a whole open: nothing goes to it but probes. Source: Envoy, outlier detection, `max_ejection_percent` and
`healthy_panic_threshold`, both 50 % here. It knows no clock: `now` is in seconds of the caller's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from functions.gateway.stages.breaker.circuit import Circuit, Jitter, Rules, State


def _untold() -> None:
    """Nobody counts."""


class Circuits:
    """One circuit for each endpoint, by address; `opened` is told each time one opens.

    `disturbed` holds the circuits that are not closed, by address: while it is empty nobody needs to ask.
    """

    def __init__(self, rules: Rules, jitter: Jitter, opened: Callable[[], None] = _untold) -> None:
        self.disturbed: dict[str, Circuit] = {}
        self._circuits: dict[str, Circuit] = {}
        self._rules = rules
        self._jitter = jitter
        self._opened = opened

    def of(self, address: str) -> Circuit:
        """The circuit of one endpoint, a closed one when it is new."""
        circuit = self._circuits.get(address)
        if circuit is None:
            circuit = Circuit(self._rules, self._jitter, lambda changed: self._note(address, changed))
            self._circuits[address] = circuit
        return circuit

    def admitted(self, addresses: Sequence[str], now: float) -> Sequence[str]:
        """Those of `addresses` that may be asked; none when the whole function is open and no probe is due."""
        out = [address for address in addresses if not self._lets(address, now)]
        allowed = len(addresses) // 2
        if len(out) > allowed and any(address not in self.disturbed for address in addresses):
            out = sorted(out, key=lambda address: self.disturbed[address].opened)[:allowed]
        return [address for address in addresses if address not in out]

    def retry_after(self, addresses: Iterable[str], now: float) -> float:
        """Seconds until the first of `addresses` may be probed."""
        return min((max(0.0, self.of(address).until - now) for address in addresses), default=0.0)

    def forget(self, address: str) -> None:
        """The endpoint left. Whoever comes back under its address begins anew."""
        if circuit := self._circuits.pop(address, None):
            circuit.forget()
            self.disturbed.pop(address, None)

    def states(self, addresses: Iterable[str]) -> Counter[State]:
        """How many of `addresses` are in which state."""
        return Counter(self.of(address).state for address in addresses)

    def _lets(self, address: str, now: float) -> bool:
        circuit = self.disturbed.get(address)
        return circuit is None or circuit.lets(now)

    def _note(self, address: str, circuit: Circuit) -> None:
        if circuit.state is State.CLOSED:
            del self.disturbed[address]
            return
        self.disturbed[address] = circuit
        if circuit.state is State.OPEN:
            self._opened()
