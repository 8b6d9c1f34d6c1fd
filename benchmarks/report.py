"""What a run found, for people: a table, two plots, and how it differs from the run before.

In: figures. Out: result.json (which the next run compares with), README.md, cost.svg and policies.svg in one folder.
"""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.whole import Share, Whole

OURS, ENVOY, CONSTANT = "portico", "envoy", "a constant"
_LUCK = 0.05  # a best window that the two next best exceed by no more was no luck
_NOTICED = 0.15  # a ratio that changes by less is noise


@dataclass(frozen=True, slots=True)
class Window:
    """One measurement at full load: seconds of CPU for a request, requests a second, and how many failed."""

    cpu: float
    rate: float
    failed: int


@dataclass(frozen=True, slots=True)
class Flood:
    """Of several windows: the least and the most CPU for a request (µs), the highest rate, all that failed.

    Costs are 0.0 where nothing was served.
    """

    cost: float
    worst: float
    rate: float
    failed: int


def best(windows: Sequence[Window]) -> Flood:
    """What the windows of one case amount to."""
    costs = [window.cpu * 1e6 for window in windows if window.rate] or [0.0]
    return Flood(min(costs), max(costs), max(each.rate for each in windows), sum(each.failed for each in windows))


def settled(windows: Sequence[Window]) -> bool:
    """Whether the best window has been reached three times, so that it was no luck."""
    costs = sorted(window.cpu for window in windows if window.rate)[:3]
    return not costs or (len(costs) == 3 and costs[2] < costs[0] * (1 + _LUCK))


Floods = dict[str, Flood]


def served(floods: Floods) -> Floods:
    """Those that served anything: a cost can be told of nobody else."""
    return {name: each for name, each in floods.items() if each.rate}


@dataclass(slots=True)
class Results:
    """One run."""

    scenarios: dict[str, Floods] = field(default_factory=dict)  # by scenario, then contender
    policies: Floods = field(default_factory=dict)
    latency: dict[str, tuple[float, float]] = field(default_factory=dict)  # p50 and p99, milliseconds
    memory: dict[str, float] = field(default_factory=dict)  # MB after the load
    cold: list[tuple[float, float]] = field(default_factory=list)  # seconds of CPU, MB
    whole: Whole | None = None
    functions: Floods = field(default_factory=dict)  # by who, database and request
    bare: dict[str, float] = field(default_factory=dict)  # keyed orders a second of statements alone, by database

    def ratios(self) -> dict[str, float]:
        """CPU in each scenario and with each policy, as multiples of Envoy's in it; of our plain forward's without one.

        Of the further scenarios only our own: what is compared is us.
        """
        first, *further = self.scenarios
        ratios = _multiples(self.scenarios[first], "")
        for scenario in further:
            if OURS in self.scenarios[scenario]:
                ratios[f"{OURS}, {scenario}"] = _multiples(self.scenarios[scenario], "")[OURS]
        return ratios | {name: each for name, each in _multiples(self.policies, "policy ").items() if ENVOY not in name}


def _multiples(floods: Floods, prefix: str) -> dict[str, float]:
    floods = served(floods)
    base = (floods.get(ENVOY) or floods.get(OURS) or next(iter(floods.values()))).cost
    return {f"{prefix}{name}": each.cost / base for name, each in floods.items()}


Plot = Callable[[Mapping[str, Flood], Path, str], None]


def write(results: Results, folder: Path, plot: Plot) -> None:
    """Replaces what the folder holds; `plot` draws figures into a file, with a line below them."""
    file = folder / "result.json"
    before = read(folder)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    small = next(iter(results.scenarios.values()))
    plot(served(small), folder / "cost.svg", _machine())
    plot(served(results.policies), folder / "policies.svg", _machine())
    (folder / "README.md").write_text("\n".join(_page(results, before)) + "\n")


def read(folder: Path) -> Results | None:
    """The run before; one that was written in another form is no run to be compared with."""
    try:
        return msgspec.json.decode((folder / "result.json").read_bytes(), type=Results)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _page(results: Results, before: Results | None) -> list[str]:
    cpu, memory = zip(*results.cold, strict=True)
    return [
        "# Results\n",
        f"{_machine()}\n",
        "CPU is the best window's, in brackets the worst one's.",
        *(line for name, floods in results.scenarios.items() for line in _table(name, floods)),
        *_table("our policies, small GET", results.policies),
        *(_functions(results.functions, results.bare) if results.functions else []),
        "\n![CPU for a request](cost.svg)\n\n![CPU of our policies](policies.svg)\n\n## At a fixed rate, and memory\n",
        "| | p50, ms | p99, ms | MB |\n|---|---|---|---|",
        *(
            f"| {name} | {p50:.1f} | {p99:.1f} | {results.memory[name]:.0f} |"
            for name, (p50, p99) in results.latency.items()
        ),
        f"\nOur start, to its first answer: {min(cpu):.2f} s of CPU, {min(memory):.0f} MB, best of {len(cpu)}.",
        *(_stack(results.whole) if results.whole else []),
        *_compared(results.ratios(), before.ratios() if before else {}),
    ]


def _functions(floods: Floods, bare: dict[str, float]) -> list[str]:
    """A function's costs beside those of a constant under the same server, and beside the peer's."""
    base = floods[CONSTANT].cost
    return [
        "\n## A function with a table\n",
        "Our orders and the same in FastAPI, over 16 connections; a constant is what the server alone costs.\n",
        "| | µs of CPU a request | as constants | requests/s | failed |\n|---|---|---|---|---|",
        *(
            f"| {name} | {each.cost:.0f} (to {each.worst:.0f}) | {each.cost / base:.1f} "
            f"| {each.rate:,.0f} | {each.failed} |"
            for name, each in served(floods).items()
        ),
        "\n| keyed orders a second, of their statements alone | |\n|---|---|",
        *(f"| {name} | {rate:,.0f} |" for name, rate in bare.items()),
    ]


def _stack(whole: Whole) -> list[str]:
    shares = {f"GET /products, {name}": each for name, each in whole.reads.items()} | {"POST /orders": whole.orders}
    parts = list(whole.orders.parts)
    return [
        "\n## The whole stack\n",
        "Nothing is pinned. µs of CPU a request in each part, and as many requests a second as go through.",
        "p50 and p99 are those at 100 reads, or 40 orders, a second.\n",
        f"| | {' | '.join(parts)} | requests/s | p50, ms | p99, ms | failed |",
        "|---" * (len(parts) + 5) + "|",
        *(_row(name, each, parts) for name, each in shares.items()),
        "\n| | p50, ms | p99, ms |\n|---|---|---|",
        *(f"| {name} | {p50:.1f} | {p99:.1f} |" for name, (p50, p99) in whole.beside.items()),
        "\n| one more instance, until it is ready | s of CPU | MB |\n|---|---|---|",
        *(f"| {name} | {each.cpu:.2f} | {each.memory:.0f} |" for name, each in whole.starts.items()),
    ]


def _row(name: str, share: Share, parts: Sequence[str]) -> str:
    costs = " | ".join(f"{share.parts.get(part, 0.0):.0f}" for part in parts)
    return f"| {name} | {costs} | {share.rate:,.0f} | {share.p50:.1f} | {share.p99:.1f} | {share.failed} |"


def _table(title: str, floods: Floods) -> list[str]:
    rows = [
        f"| {name} | {each.cost:.0f} (to {each.worst:.0f}) | {each.rate:,.0f} | {each.failed} |"
        if each.rate
        else f"| {name} | served nothing | 0 | {each.failed} |"
        for name, each in floods.items()
    ]
    return [f"\n## {title}\n", "| | µs of CPU a request | requests/s | failed |", "|---|---|---|---|", *rows]


def _compared(now: dict[str, float], before: dict[str, float]) -> list[str]:
    rows = [f"| {name} | {ratio:.2f} | {_change(ratio, before.get(name))} |" for name, ratio in now.items()]
    return ["\n## Beside the run before\n", "| CPU, as a multiple of Envoy's | now | change |", "|---|---|---|", *rows]


def _change(now: float, before: float | None) -> str:
    if before is None:
        return "new"
    change = now / before - 1
    return f"{change:+.0%}" if abs(change) > _NOTICED else "none to speak of"


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(": ")[2] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}."
