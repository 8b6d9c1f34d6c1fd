"""Figures as pictures: one file, the same for the same figures."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.report import Flood


def bars(floods: Mapping[str, Flood], file: Path, machine: str) -> None:
    """What a small GET costs with each of `floods`, and on which machine."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "portico"  # the same figures give the same file
    chart, axes = plt.subplots(figsize=(7, 0.5 * len(floods) + 1.2))
    drawn = axes.barh(list(floods), [each.cost for each in floods.values()], color="#4a6fa5")
    axes.bar_label(drawn, fmt="%.0f", padding=3)
    axes.set_xlabel("µs of CPU for a request, small GET (logarithmic)")
    axes.set_title(machine, fontsize=7, loc="left")
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    chart.tight_layout()
    chart.savefig(file, metadata={"Date": None})
    plt.close(chart)
