"""What a fill leaves behind that is ended outside, or takes its time; what clients get is tested with the stage."""

import asyncio

import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.decision import Fetch, Forward, Validate
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.fill import Failed, Fill, Job, Unshared
from functions.gateway.stages.cache.status import URI_MISS
from tests.exchanges import exchange
from tests.unit.functions.gateway.stages.cache.heads import NOW, get
from tests.unit.functions.gateway.stages.cache.origin import Origin, Parts, turn


async def nothing() -> None:
    """No other gateway asks the same."""


def fill_from(origin: Origin, asked: Asked, decided: Forward, kept: list[Stored], patience: float = 60.0) -> Fill:
    return Fill(
        Job(
            asked,
            decided,
            ask=lambda _: origin(exchange()),
            keep=kept.append,
            drop=lambda _: None,
            elsewhere=nothing,
            largest=100,
            patience=patience,
            clock=lambda: NOW,
        )
    )


async def test_who_waits_for_a_fill_that_is_ended_is_told() -> None:
    origin = Origin()
    origin.ready.clear()
    fill = fill_from(origin, get(), Fetch(URI_MISS), [])
    task = asyncio.create_task(fill.run())
    await turn()
    task.cancel()
    await asyncio.wait([task])
    assert isinstance(outcome := await fill.end, Failed)
    assert outcome.problem.kind.slug == "draining"
    assert await fill.head == outcome


@pytest.mark.parametrize("conditional", [False, True])
async def test_nobody_waits_for_the_end_of_a_body_that_takes_its_time_and_it_is_kept_all_the_same(
    *, conditional: bool
) -> None:
    """It may never end; and who asked itself has it as far as it has come."""
    origin = Origin("Cache-Control: max-age=60")
    origin.body = body = Parts(b"first")
    asked = get('If-None-Match: "other"') if conditional else get()
    decided = Validate([], (), URI_MISS) if conditional else Fetch(URI_MISS)
    kept: list[Stored] = []
    fill = fill_from(origin, asked, decided, kept, patience=0.0)
    task = asyncio.create_task(fill.run())
    assert isinstance(await fill.end, Unshared)
    answer = await fill.head
    assert isinstance(answer, Response)
    assert answer.stream is not None
    assert await answer.stream.read() == b"first"
    assert not kept
    body.give(b"second")
    body.give(b"")
    await task
    assert await answer.stream.read() == b"second"
    assert [each.body for each in kept] == [b"firstsecond"]
