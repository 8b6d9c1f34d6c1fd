"""What a fill leaves behind when it is ended from outside; what it does for clients is tested with the stage."""

import asyncio

from functions.gateway.stages.cache.decision import Fetch
from functions.gateway.stages.cache.fill import Failed, Fill, Job
from functions.gateway.stages.cache.status import URI_MISS
from tests.exchanges import exchange
from tests.unit.functions.gateway.stages.cache.heads import NOW, get
from tests.unit.functions.gateway.stages.cache.origin import Origin, turn


async def nothing() -> None:
    """No other gateway asks the same."""


async def test_who_waits_for_a_fill_that_is_ended_is_told() -> None:
    origin = Origin()
    origin.ready.clear()
    fill = Fill(
        Job(
            get(),
            Fetch(URI_MISS),
            ask=lambda _: origin(exchange()),
            keep=lambda _: None,
            drop=lambda _: None,
            elsewhere=nothing,
            largest=10,
            clock=lambda: NOW,
        )
    )
    task = asyncio.create_task(fill.run())
    await turn()
    task.cancel()
    await asyncio.wait([task])
    assert isinstance(outcome := await fill.end, Failed)
    assert outcome.problem.kind.slug == "draining"
    assert await fill.head == outcome
