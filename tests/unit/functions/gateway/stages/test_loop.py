"""What has been here before goes no further, and nothing else is mistaken for it."""

import re

import pytest

from functions.gateway.exchange import Header
from functions.gateway.stages.loop import loop, named
from runtime.http.problem import LOOP_DETECTED, Problem
from tests.exchanges import Below, exchange

OURS = named("redis://:secret@redis:6379/0", "portico")
THEIRS = named("redis://:another@redis:6379/0", "portico")


async def sent_on(*headers: Header) -> list[bytes]:
    """What the next hop is told in CDN-Loop."""
    below = Below()
    await loop(OURS)(below)(exchange(headers=headers))
    return [value for name, value in below.seen[0].headers + below.seen[0].added if name == b"cdn-loop"]


@pytest.mark.parametrize(
    "said", [[], [b"cloudflare; loops=1"], [b"a, b"], [b"a", b"b"], [b""], [b"portico"], [b"portico-"], [THEIRS]]
)
async def test_our_name_comes_below_those_that_were_there(said: list[bytes]) -> None:
    assert await sent_on(*((b"cdn-loop", value) for value in said)) == [*said, OURS]


@pytest.mark.parametrize(
    "said", [[OURS], [b"a, " + OURS], [OURS + b"; b=c,d"], [b"a", OURS], [OURS, b"a"], [THEIRS, OURS], [OURS, OURS]]
)
async def test_what_bears_our_name_is_refused_wherever_it_stands(said: list[bytes]) -> None:
    below = Below()
    with pytest.raises(Problem) as refused:
        await loop(OURS)(below)(exchange(headers=[(b"cdn-loop", value) for value in said]))
    assert (refused.value.kind, below.seen) == (LOOP_DETECTED, [])


async def test_our_name_in_another_field_means_nothing() -> None:
    assert await sent_on((b"via", b"1.1 " + OURS), (b"x", OURS)) == [OURS]


def test_every_gateway_of_a_stack_finds_the_same_name_and_no_other_stack_does() -> None:
    assert named("redis://:secret@redis:6379/0", "portico") == OURS
    assert len({OURS, THEIRS, named("redis://:secret@redis:6379/0", "other")}) == 3


def test_a_name_is_a_token_and_tells_nothing_of_what_it_is_made_of() -> None:
    assert re.fullmatch(rb"portico-[0-9a-f]{32}", OURS)
