"""functions/gateway/limits.py: what an operator sees of a real Redis, and what is filled after a yes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from functions.gateway.limits import MOST
from functions.gateway.redis.conversation import connection
from functions.gateway.stages.limit.bucket import Admission, Refusal
from functions.gateway.stages.limit.desk import Ask
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.redis import RedisLender
from tests import golden
from tests.lending import asked_of, policies

if TYPE_CHECKING:
    from tests.contract.conftest import RedisServer

DAILY = policies("1000/1d")
ROUTE = "things POST /things default principal"


@pytest.fixture
async def lender(redis_server: "RedisServer") -> AsyncIterator[RedisLender]:
    made = RedisLender(connection(redis_server.url), 30)
    yield made
    await made.close()


@pytest.fixture
def limits(redis_server: "RedisServer") -> Callable[..., tuple[int, str]]:
    def run(*arguments: str, says: str = "") -> tuple[int, str]:
        """The command; its exit code, and everything that it told."""
        command = [sys.executable, "-m", "functions.gateway.limits", *arguments]
        told = {"DISCOVERY": "dns:8000", "REDIS_URL": redis_server.url, "FUNCTIONS_DIR": f"{golden.FOLDER / 'sound'}"}
        done = subprocess.run(
            command, input=says, capture_output=True, text=True, check=False, env=os.environ | told, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    return run


async def used(lender: RedisLender, whose: str, permits: int, leased: int = 0) -> None:
    await asked_of(lender, DAILY, (f"{ROUTE} {whose}",), Ask(permits, leased))


async def left(lender: RedisLender, whose: str) -> int:
    """How many more could be had."""
    return (await asked_of(lender, DAILY, (f"{ROUTE} {whose}",), Ask(1000, 0))).taken


async def test_what_is_used_is_shown_emptiest_first(
    lender: RedisLender, limits: Callable[..., tuple[int, str]]
) -> None:
    await used(lender, "ann", 20, leased=40)
    await used(lender, "bob", 900)
    await lender.meet(1.0)  # leaves a key that is no bucket
    code, said = await asyncio.to_thread(limits)
    head, bob, ann = (line.split() for line in said.splitlines())
    assert (code, head) == (0, ["BUCKET", "LIMIT", "LEFT", "ON", "LEASE", "FULL", "IN"])
    assert bob[:-1] == [*f"{ROUTE} bob".split(), "1000/1d", "100", "of", "1000", "-"]
    assert ann[:-1] == [*f"{ROUTE} ann".split(), "1000/1d", "940", "of", "1000", "40"]
    assert 77_700 < float(bob[-1].removesuffix("s")) <= 77_760


async def test_a_part_of_a_name_chooses(lender: RedisLender, limits: Callable[..., tuple[int, str]]) -> None:
    await used(lender, "ann", 1)
    await used(lender, "bob", 1)
    _, said = await asyncio.to_thread(limits, "principal ann")
    assert [line.split()[5] for line in said.splitlines()[1:]] == ["ann"]
    assert await asyncio.to_thread(limits, "carl") == (0, "Every bucket with `carl` in its name is full.\n")
    assert "`\\u001b[2J`" in (await asyncio.to_thread(limits, "\x1b[2J"))[1]


async def test_only_so_many_are_shown_as_one_looks_at(
    lender: RedisLender, limits: Callable[..., tuple[int, str]]
) -> None:
    await asyncio.gather(*(used(lender, f"number-{number}", 1) for number in range(MOST + 1)))
    _, said = await asyncio.to_thread(limits)
    assert said.endswith("\nand 1 bucket more: name a part of those you mean\n")
    assert len(said.splitlines()) == MOST + 2


async def test_a_yes_fills_those_that_were_named_and_no_others(
    lender: RedisLender, limits: Callable[..., tuple[int, str]]
) -> None:
    await used(lender, "ann", 400)
    await used(lender, "bob", 400)
    code, said = await asyncio.to_thread(limits, "ann", "--clear", says="y\n")
    assert (code, said.endswith("Fill 1 bucket again? [y/N] 1 bucket filled.\n")) == (0, True)
    assert 600 <= await left(lender, "bob") <= 601
    assert await left(lender, "ann") == 1000


@pytest.mark.parametrize("says", ["", "n\n"])
async def test_without_a_yes_nothing_is_changed(
    lender: RedisLender, limits: Callable[..., tuple[int, str]], says: str
) -> None:
    await used(lender, "ann", 400)
    _, said = await asyncio.to_thread(limits, "--clear", says=says)
    assert said.endswith("Nothing was changed.\n")
    assert 600 <= await left(lender, "ann") <= 601


async def test_what_is_on_lease_is_not_given_a_second_time(
    lender: RedisLender, limits: Callable[..., tuple[int, str]]
) -> None:
    await used(lender, "ann", 400, leased=50)
    assert (await asyncio.to_thread(limits, "--clear", "--yes"))[1] == "1 bucket filled.\n"
    loan = await asked_of(lender, DAILY, (f"{ROUTE} ann",), Ask(1000, 50))
    assert loan.taken >= 950
    assert loan.lent <= 1000 - loan.taken


async def test_a_gateway_that_refuses_by_itself_notices_within_a_second(
    lender: RedisLender, limits: Callable[..., tuple[int, str]]
) -> None:
    clock = [10**10]
    leases, keys = Leases(lender, lambda: 1, clock=lambda: clock[0]), (f"{ROUTE} ann",)
    await used(lender, "ann", 1000)
    assert isinstance(await leases.take(DAILY, keys), Refusal)
    await asyncio.to_thread(limits, "ann", "--clear", "--yes")
    clock[0] += 1_000_000
    assert isinstance(await leases.take(DAILY, keys), Admission)


async def test_a_redis_that_is_away_is_told_in_a_line(
    redis_server: "RedisServer", limits: Callable[..., tuple[int, str]]
) -> None:
    redis_server.kill()
    code, said = await asyncio.to_thread(limits)
    assert code == 1
    assert said.startswith("Redis does not answer (")
    assert said.count("\n") == 1
