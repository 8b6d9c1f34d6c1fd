"""All gateways or none: whatever one of them says, or doesn't."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import pytest

from deploy import apply as module
from deploy.apply import Applied, Open, apply, which
from deploy.engine import Refusal
from functions.gateway.revisions import Said


@dataclass
class Gateway:
    """One that takes in what it is told, unless it is said to do otherwise."""

    name: str
    serves: str = "old"
    why: list[str] = field(default_factory=list)
    rolls: bool = False
    silent: bool = False
    gone: bool = False
    prepared: str = ""
    said: str = ""

    def say(self, words: str) -> None:
        self.said = words

    def hear(self, _until: float) -> Said | None:
        if self.silent or self.gone:
            return None
        match self.said.split():
            case ["prepare", revision] if not self.why:
                self.prepared = revision
            case ["prepare", _]:
                return Said(self.serves, self.why, self.rolls)
            case ["take"] if self.prepared:
                self.serves, self.prepared = self.prepared, ""
        return Said(self.serves)

    def away(self) -> bool:
        return self.gone

    def close(self) -> None:
        self.prepared = ""


class Stack:
    """Gateways, and the current revision, which those begin with that start."""

    def __init__(self, *gateways: Gateway) -> None:
        self.gateways = [*gateways]
        self.current = "old"
        self.starting: Gateway | None = None  # with what was current a moment before

    def running(self) -> Mapping[str, Open]:
        return {each.name: partial(cast, "Talk", each) for each in self.gateways}

    def serve(self) -> None:
        self.current = "new"
        if self.starting is not None:
            self.gateways.append(self.starting)

    @property
    def served(self) -> list[str]:
        return [each.serves for each in self.gateways]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for who does not answer."""
    monkeypatch.setattr(module, "_STARTING", 0.0)


def test_all_of_them_take_it_in() -> None:
    stack = Stack(Gateway("gateway-1"), Gateway("gateway-2"))
    assert apply(stack.running, "new", stack.serve) == Applied("new")
    assert (stack.served, stack.current) == (["new", "new"], "new")


@pytest.mark.parametrize("other", [Gateway("gateway-2", why=["things: no"]), Gateway("gateway-2", silent=True)])
def test_where_one_says_no_or_nothing_none_does(other: Gateway) -> None:
    stack = Stack(Gateway("gateway-1"), other, Gateway("gateway-3"))
    with pytest.raises(Refusal, match=r"gateway-2 .*nothing was changed"):
        apply(stack.running, "new", stack.serve)
    assert (stack.served, stack.current) == (["old"] * 3, "old")
    assert [each.prepared for each in stack.gateways] == [""] * 3


def test_what_only_new_gateways_can_take_in_is_told_and_changes_nothing() -> None:
    stack = Stack(*(Gateway(f"gateway-{number}", why=["things: api_keys"], rolls=True) for number in (1, 2)))
    assert apply(stack.running, "new", stack.serve) == Applied("new", changed=False, beyond=["things: api_keys"])
    assert (stack.served, stack.current) == (["old", "old"], "old")


def test_one_that_started_meanwhile_takes_it_in_too() -> None:
    stack = Stack(Gateway("gateway-1"))
    stack.starting = Gateway("gateway-2")
    assert apply(stack.running, "new", stack.serve) == Applied("new")
    assert stack.served == ["new", "new"]


def test_one_that_does_not_listen_yet_is_in_nobodys_way_and_is_named() -> None:
    stack = Stack(Gateway("gateway-1"), Gateway("gateway-2", gone=True))
    assert apply(stack.running, "new", stack.serve) == Applied("new", late=["gateway-2"])
    assert stack.current == "new"


def test_without_gateways_it_is_what_the_next_one_begins_with() -> None:
    stack = Stack()
    assert apply(stack.running, "new", stack.serve) == Applied("new")
    assert stack.current == "new"


def test_who_serves_what_is_told_of_everybody() -> None:
    stack = Stack(Gateway("gateway-1", serves="a"), Gateway("gateway-2", silent=True))
    assert which(stack.running) == {"gateway-1": "a", "gateway-2": ""}
