"""Scaling, crashes and deploys under load, and the reckoning afterwards: the short form of `just chaos`."""

import re

import pytest

from tests.e2e.stack import Stack

STRUCK = ["scale up", "scale down", "kill a gateway", "kill an orders", "kill Redis", "kill an nginx worker"]
COUNTS = ("reads", "keyed", "unkeyed")


def _rows(said: str) -> dict[str, list[str]]:
    """The cells of each row of the printed table, by its fault."""
    head, _, rest = said.partition("\nFAULT ")
    assert head
    lines = (re.split(r" {2,}", line) for line in rest.partition("\n\n")[0].splitlines()[1:])
    return {cells[0]: cells[1:] for cells in lines}


@pytest.mark.timeout(900)
def test_no_fault_costs_a_request_that_it_may_not_cost(stack: Stack) -> None:
    before = {row.name for row in stack.instances()}
    said = stack.run("chaos", "--short", "--rate", 50)
    rows = _rows(said)
    assert rows.keys() >= {*STRUCK, "deploy", "roll back", "deploy that fails"}
    for fault, (promise, requests, *counts) in rows.items():
        failed = dict(zip(COUNTS, map(int, counts), strict=False))
        assert int(requests) > 100, said
        assert failed["reads"] == failed["keyed"] == 0, said
        assert failed["unkeyed"] == 0 or promise != "no request", (fault, said)
        assert counts[-1] == "kept", said
    assert "each is in the databases, once" in said
    for function in ("orders", "users", "gateway"):  # containers that were deployed have other numbers
        stack.scale(0, function)
        stack.scale(1, function)
    stack.run("up")  # the last fault was a deploy from a copy of the compose files
    stack.until_ready()
    assert {row.name.rpartition("-")[0] for row in stack.instances()} == {name.rpartition("-")[0] for name in before}
