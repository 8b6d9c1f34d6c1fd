"""The rows of a run as a table for a terminal, and as a page with a plot: HTML and SVG in one file, nothing to load."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, log10
from pathlib import Path

from deploy.chaos.sample import Sample
from deploy.chaos.summary import Row

_COLUMNS = (
    "FAULT", "MAY FAIL",
    "REQUESTS", "READS", "KEYED", "UNKEYED", "IN FLIGHT", "RESENT",
    "WORST", "AS USUAL", "READY", "PROMISE",
)  # fmt: skip
_LISTED = 20  # failures of a row
_PAGE = Path(__file__).with_name("page.html")
_WIDTH, _HEIGHT, _LEFT, _GAP, _FOOT = 1180, 150, 60, 76, 8
_STEPS = 5  # names of faults side by side stand at so many heights
_LEAST, _DECADES = 0.001, 5  # the axis of latencies: 1 ms to 100 s


def table(rows: Sequence[Row]) -> str:
    """One line for each row; failures are counted by kind."""
    lines = [_COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def page(rows: Sequence[Row], samples: Sequence[Sample], title: str, findings: Iterable[str]) -> str:
    """The whole document."""
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p class=bad>{escape(finding)}</p>" for finding in findings),
        plot(rows, samples),
        _html_table(rows),
        *(
            f"<p class=bad>{escape(row.window.fault)}: {escape(str(sample))}</p>"
            for row in rows
            for sample in row.broken[:_LISTED]
        ),
    ]
    frame = _PAGE.read_text(encoding="utf-8")
    return frame.replace("{title}", escape(title)).replace("{body}", "\n".join(body))


def plot(rows: Sequence[Row], samples: Sequence[Sample]) -> str:
    """Requests and failures in each second, and below that latencies; a band for each fault, a line where it struck."""
    length = max((sample.due for sample in samples), default=1.0) + 1
    scale = (_WIDTH - _LEFT) / length
    height = 2 * _HEIGHT + 2 * _GAP + _FOOT
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">']
    parts += [_band(number, row, scale, height) for number, row in enumerate(rows)]
    parts += [_name(number, row, scale) for number, row in enumerate(rows)]
    parts += [*_requests(samples, scale), *_latencies(samples, scale), "</svg>"]
    return "\n".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    window = row.window
    back = "never" if window.back is None else f"{window.back - window.struck:.1f} s"
    counts = (row.requests, row.reads, row.keyed, row.unkeyed, row.in_flight, row.resent)
    times = (f"{row.worst:.2f} s", f"{row.recovered:.1f} s", back)
    return window.fault, window.promise.value, *map(str, counts), *times, "kept" if row.kept else "BROKEN"


def _html_table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{name.lower()}" for name in _COLUMNS)
    lines = (
        f"<tr{'' if row.kept else ' class=bad'}>" + "".join(f"<td>{escape(cell)}" for cell in _cells(row))
        for row in rows
    )
    return f"<table><tr>{head}\n" + "\n".join(lines) + "</table>"


def _band(number: int, row: Row, scale: float, height: int) -> str:
    window = row.window
    left, width = _LEFT + window.began * scale, (window.ended - window.began) * scale
    struck = _LEFT + window.struck * scale
    return (
        f'<rect class="band{number % 2}" x="{left:.1f}" y="0" width="{max(width, 1):.1f}" height="{height}"/>'
        f'<line class="blow" x1="{struck:.1f}" x2="{struck:.1f}" y1="0" y2="{height}"/>'
    )


def _name(number: int, row: Row, scale: float) -> str:
    left, top = _LEFT + row.window.began * scale + 3, 12 * (1 + number % _STEPS)
    return f'<text class="fault" x="{left:.1f}" y="{top}">{escape(row.window.fault)}</text>'


def _requests(samples: Sequence[Sample], scale: float) -> Iterable[str]:
    """Bars of a second each; what failed is drawn over what was sent, never lower than can be seen."""
    sent = Counter(int(sample.due) for sample in samples)
    failed = Counter(int(sample.due) for sample in samples if not sample.ok)
    most, floor = max(sent.values(), default=1), _GAP + _HEIGHT
    yield f'<text x="4" y="{_GAP + 10}">{most}/s</text><text x="4" y="{floor}">0</text>'
    for name, counts, least in (("sent", sent, 0.0), ("failed", failed, 3.0)):
        for second, count in sorted(counts.items()):
            tall = max(count / most * _HEIGHT, least)
            yield (
                f'<rect class="{name}" x="{_LEFT + second * scale:.1f}" y="{floor - tall:.1f}" '
                f'width="{max(scale - 0.5, 0.5):.2f}" height="{tall:.1f}"/>'
            )


def _latencies(samples: Sequence[Sample], scale: float) -> Iterable[str]:
    """On a logarithmic axis: the worst and the median of each second."""
    by_second: dict[int, list[float]] = {}
    for sample in samples:
        by_second.setdefault(int(sample.due), []).append(sample.latency)
    floor = 2 * (_GAP + _HEIGHT)
    for decade in range(_DECADES + 1):
        y = floor - decade * _HEIGHT / _DECADES
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="4" y="{y + 4:.1f}">{_LEAST * 10**decade:g} s</text>'
    for name, rank in (("worst", 1.0), ("median", 0.5)):
        points = (
            f"{_LEFT + (second + 0.5) * scale:.1f},{floor - _tall(quantile(found, rank)):.1f}"
            for second, found in sorted(by_second.items())
        )
        yield f'<polyline class="{name}" points="{" ".join(points)}"/>'


def _tall(seconds: float) -> float:
    decades = log10(max(seconds, _LEAST) / _LEAST)
    return min(decades, _DECADES) * _HEIGHT / _DECADES


def quantile(found: Sequence[float], rank: float) -> float:
    """The smallest of `found` (not empty) that as many as `rank` of them (0 to 1) do not exceed."""
    return sorted(found)[max(0, ceil(rank * len(found)) - 1)]
