"""`just bench`: ourselves beside our peers, interleaved in one run; results go to benchmarks/results/.

Every figure is the best of short windows that take turns over several rounds, so that what the machine does meanwhile
falls on everybody. The gateway has a core of its own; load and upstream share the other.
"""

import argparse
import http.client
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import whole
from benchmarks.contenders import LOAD_CORE, POLICIES, Contender, Town, available
from benchmarks.functions import Shop
from benchmarks.load import Request, always, ask, flood, paced
from benchmarks.plots import bars
from benchmarks.report import ENVOY, Flood, Results, Window, best, read, settled, write

SCENARIOS = {
    "small GET": (Request("/plain"), 64),
    "100 KB GET": (Request("/large"), 64),
    "1 KB POST": (Request("/post", "POST", 1024), 64),
    "small GET, 1024 connections": (Request("/plain"), 1024),
}
RESULTS = Path("benchmarks/results")
_MANY = 100  # connections: more of them take longer until each was answered once
_ENOUGH = 3000  # requests in a window: with fewer, opening the connections weighs too much
_LONGEST = 4  # times the window, for those who serve fewer
_RATE = 100.0  # requests a second that even the slowest contender has time for
_COLD_STARTS = 5
_FURTHER = 45.0  # seconds at most of further rounds, for those whose best window may have been luck

Cases = dict[str, tuple[Contender, Request, int]]  # by name: who is asked for what, over how many connections


class Bench:
    """One run: `window` in seconds, `rounds` of them for each figure."""

    def __init__(self, folder: Path, window: float, rounds: int) -> None:
        self._script = folder / "load.lua"
        self._window = window
        self._rounds = rounds

    def floods(self, cases: Cases) -> dict[str, Flood]:
        """Each case at full load, the cases taking turns."""
        lengths = {name: self._long_enough(*case) for name, case in cases.items()}
        windows: dict[str, list[Window]] = {name: [] for name in cases}
        for _ in range(self._rounds):
            self._turn(cases, lengths, windows)
        until = time.monotonic() + _FURTHER
        while time.monotonic() < until and (doubtful := _doubtful(cases, windows)):
            self._turn(doubtful, lengths, windows)
        return {name: best(each) for name, each in windows.items()}

    def latencies(self, contenders: list[Contender]) -> dict[str, tuple[float, float]]:
        """Milliseconds, p50 and p99, at a fixed rate; of the rounds, the one with the lowest p99."""
        found: dict[str, list[tuple[float, float]]] = {each.name: [] for each in contenders}
        for _ in range(max(1, self._rounds // 2)):
            for each in contenders:
                latency = paced(each.port, always(Request("/plain")), _RATE, self._window * 2, 16)
                found[each.name].append((latency.p99 * 1000, latency.p50 * 1000))
        return {name: (min(each)[1], min(each)[0]) for name, each in found.items()}

    def _long_enough(self, contender: Contender, request: Request, connections: int) -> float:
        """Seconds that a window of this case takes; warms it up."""
        least = 2 if connections > _MANY else 1
        rate = self._window_of(contender, request, connections, self._window * least).rate
        needed = math.ceil(_ENOUGH / (rate * self._window)) if rate else _LONGEST
        return self._window * min(max(needed, least), _LONGEST)

    def _turn(self, cases: Cases, lengths: Mapping[str, float], windows: dict[str, list[Window]]) -> None:
        for name, case in cases.items():
            windows[name].append(self._window_of(*case, lengths[name]))

    def _window_of(self, contender: Contender, request: Request, connections: int, seconds: float) -> Window:
        before = contender.program.cpu()
        served, failed = flood(contender.port, request, seconds, connections, LOAD_CORE, self._script)
        cost = (contender.program.cpu() - before) / (served + failed) if served else 0.0
        if not served:
            said = ask(contender.port, request)
            _say(f"{contender.name} served none of {request.path} over {connections} connections: {said}")
        contender.program.until_idle()  # what it still works at would be at the expense of whoever is next
        return Window(cost, served / seconds, failed)


def main() -> None:
    """Runs everything that can run here."""
    options = argparse.ArgumentParser(prog="just bench")
    options.add_argument("--window", type=int, default=1, help="seconds of one measurement")
    options.add_argument("--rounds", type=int, default=6, help="measurements for each figure")
    options.add_argument("--functions", action="store_true", help="measure functions only; the rest stays as it was")
    told = options.parse_args()
    measure = _functions if told.functions else _everything
    measure(told.window, told.rounds)


def _functions(window: int, rounds: int) -> None:
    """What a function costs, into the results of the run before."""
    results = read(RESULTS) or Results()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portico-bench-")))
        town = Town(folder, stack)
        town.open()
        _measure_functions(results, town, stack, Bench(folder, window, rounds))
    write(results, RESULTS, bars)


def _measure_functions(results: Results, town: Town, stack: ExitStack, bench: Bench) -> None:
    _say("functions")
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as name:
        shop = Shop(Path(name), stack, town.keys, town.keys_url, town.token)
        results.functions = bench.floods(shop.cases())
        results.bare = shop.bare()


def _everything(window: int, rounds: int) -> None:
    """All figures."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portico-bench-")))
        town = Town(folder, stack)
        town.open()
        contenders = town.contenders(available())
        bench = Bench(folder, window, rounds)
        results = Results()
        results.latency = bench.latencies(contenders)
        for scenario, (request, connections) in SCENARIOS.items():
            _say(scenario)
            cases = {each.name: (each, request, connections) for each in contenders}
            results.scenarios[scenario] = bench.floods(cases)
        _say("policies")
        envoy = {each.name: (each, Request("/plain"), 64) for each in contenders if each.name == ENVOY}
        ours = {name: (contenders[0], town.request(name), 64) for name in POLICIES}
        # By turns, as those who ask for the same thing at once make one question to Redis.
        shared = {"cache, in Redis": (town.forgetful(), Request("/cache", targets=1000), 64)}
        results.policies = bench.floods(envoy | ours | shared)
        results.memory = {each.name: each.program.memory() / 2**20 for each in contenders}
        _measure_functions(results, town, stack, bench)
        _say("cold start")
        results.cold = [_cold(town) for _ in range(_COLD_STARTS)]
    _say("the whole stack")
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as name:
        results.whole = whole.measure(Path(name), window * 4)
    write(results, RESULTS, bars)
    _say(f"took {(time.monotonic() - began) / 60:.1f} minutes; see benchmarks/results/README.md")


def _doubtful(cases: Cases, windows: Mapping[str, Sequence[Window]]) -> Cases:
    """Those that are not settled, and the one that all are compared with: its chances are those of any other."""
    doubtful = {name: case for name, case in cases.items() if not settled(windows[name])}
    return {name: case for name, case in cases.items() if name == ENVOY} | doubtful if doubtful else {}


def _cold(town: Town) -> tuple[float, float]:
    """Seconds of CPU and MB of our gateway when it has given its first answer."""
    with town.cold() as contender:
        connection = http.client.HTTPConnection("127.0.0.1", contender.port)
        connection.request("GET", "/plain")
        connection.getresponse().read()
        connection.close()
        return contender.program.cpu(), contender.program.memory() / 2**20


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
