"""docs/cache.md: where its table begins and ends, and how results become one."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path("docs/cache.md")
BEGIN, END = "<!-- the table, by the contract suite -->\n", "<!-- end of the table -->\n"

_WRITE = "WRITE_DOCS"  # set: the page is written anew


def table(
    names: Sequence[str], backends: Sequence[str], results: Mapping[tuple[str, str], list[str]], why: Mapping[str, str]
) -> str:
    """A row for each case, with what each backend made of it."""
    head = f"| section | case | {' | '.join(backends)} |\n|---|---|{'---|' * len(backends)}\n"
    return head + "".join(_row(name, [results[name, backend] for backend in backends], why) for name in names)


def shown() -> str:
    """The table that the page has."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def agree(text: str) -> None:
    """Writes `text` into the page, where that was asked for."""
    if os.environ.get(_WRITE):
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


def _row(name: str, faults: Sequence[list[str]], why: Mapping[str, str]) -> str:
    rfc, words = _section(name)
    marks = " | ".join("no" if found else "yes" for found in faults)
    note = f" ({why[name]})" if any(faults) and name in why else ""
    return f"| {rfc} | {words}{note} | {marks} |\n"


def _section(name: str) -> tuple[str, str]:
    """`rfc9111_4_2_1_max_age_counts` is RFC 9111, 4.2.1: max age counts."""
    rfc, *steps = name.split("_")
    numbers = 0
    while steps[numbers].isdigit() and len(steps[numbers]) < 3:
        numbers += 1
    return f"RFC {rfc[3:]}, {'.'.join(steps[:numbers])}", " ".join(steps[numbers:])
