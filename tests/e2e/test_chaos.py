"""Scaling, crashes and deploys under load, and the reckoning afterwards: the short form of `just chaos`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT, Stack, stack_of

STRUCK = ["scale up", "scale down", "kill a gateway", "kill an orders", "kill Redis", "kill an nginx worker"]
EDITED = [
    *("apply: an upstream more", "apply: a typo, then mended"),
    *("up: a function more", "up: a typo, then mended", "up: a function less"),
]
COUNTS = ("reads", "keyed", "unkeyed")


def _rows(said: str) -> dict[str, list[str]]:
    """The cells of each row of the printed table, by its fault."""
    head, _, rest = said.partition("\nFAULT ")
    assert head
    lines = (re.split(r" {2,}", line) for line in rest.partition("\n\n")[0].splitlines()[1:])
    return {cells[0]: cells[1:] for cells in lines}


@pytest.fixture
def own(stack: Stack, short_folder: str) -> Iterator[Stack]:
    """A stack that no other test finds as this one leaves it."""
    with stack_of(ROOT, stack, Path(short_folder)) as own:
        own.run("up")
        own.run("seed")
        yield own


@pytest.mark.timeout(1500)
def test_no_fault_costs_a_request_that_it_may_not_cost(own: Stack) -> None:
    said = own.run("chaos", "--short", "--rate", 50)
    rows = _rows(said)
    assert rows.keys() >= {*STRUCK, *EDITED, "deploy", "roll back", "deploy that fails"}
    for fault, (promise, requests, *counts) in rows.items():
        failed = dict(zip(COUNTS, map(int, counts), strict=False))
        assert int(requests) > 100, said
        assert failed["reads"] == failed["keyed"] == 0, said
        assert failed["unkeyed"] == 0 or promise != "no request", (fault, said)
        assert counts[-1] == "kept", said
    assert "each is in the databases, once" in said
