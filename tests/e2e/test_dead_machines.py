"""Containers whose cables are pulled, as of machines that die: nothing comes from there any more, not even a reset."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.load import Load, get, under_load
from tests.e2e.people import log_in, order
from tests.e2e.stack import DockerStack, until

pytestmark = pytest.mark.parametrize("stack", ["docker"], indirect=True)

SEVERAL = 100  # answers after which whatever was under way has ended: each is read by one of a few clients


@contextmanager
def cut(stack: DockerStack, instance: str) -> Iterator[None]:
    """For the length of the block nothing goes to it, or comes from there."""
    cables = _cables(stack, instance)
    _turn(cables, "down")
    try:
        yield
    finally:
        _turn(cables, "up")


def _cables(stack: DockerStack, instance: str) -> list[str]:
    """This machine's ends of the networks that a container is in."""
    told = stack.execute(instance, "sh", "-c", "cat /sys/class/net/*/iflink").stdout.split()
    ours = {(each / "ifindex").read_text().strip(): each.name for each in Path("/sys/class/net").iterdir()}
    return [ours[index] for index in told if ours.get(index, "lo") != "lo"]


def _turn(cables: list[str], to: str) -> None:
    for cable in cables:
        subprocess.run(["ip", "link", "set", cable, to], check=True)


def first(stack: DockerStack, function: str) -> str:
    return stack.instances(function)[0].name


def further(load: Load) -> None:
    """Returns when each client had several more answers."""
    before = load.done
    until(lambda: load.done > before + SEVERAL)


def test_another_gateway_answers_what_one_was_asked_that_is_gone(stack: DockerStack) -> None:
    stack.scale(2)
    with ExitStack() as until_all_ended, under_load(stack.url, get("/products")) as load:
        further(load)
        until_all_ended.enter_context(cut(stack, first(stack, "gateway")))
        further(load)
    assert load.outcomes.keys() == {"200"}


def test_what_a_function_was_asked_that_is_gone_ends_in_time(stack: DockerStack, client: httpx.Client) -> None:
    headers = log_in(client)
    placed = client.post("/orders", json=order(client), headers=headers | {"Idempotency-Key": "gone"})
    stack.scale(2, "orders")
    with ExitStack() as until_all_ended, under_load(stack.url, get(placed.headers["Location"], headers)) as load:
        further(load)
        until_all_ended.enter_context(cut(stack, first(stack, "orders")))
        further(load)
    assert load.outcomes.keys() <= {"200", "504"}
    problems = {answer.json()["type"] for answer in load.answers if answer.status_code != 200}
    assert problems <= {"/problems/deadline-exceeded"}


@pytest.mark.parametrize("service", ["redis-1", "redis-cache-1"])
def test_a_redis_that_is_gone_costs_no_request(stack: DockerStack, service: str) -> None:
    with under_load(stack.url, get("/products")) as load:
        further(load)
        with cut(stack, service):
            further(load)
        further(load)
    assert load.outcomes.keys() == {"200"}


def test_a_database_that_is_gone_is_told_and_all_is_well_when_it_is_back(
    stack: DockerStack, client: httpx.Client
) -> None:
    headers = log_in(client)
    with under_load(stack.url, get("/users/me", headers), clients=4) as load:
        further(load)
        with cut(stack, "postgres-1"):
            failed = load.done
            until(lambda: load.done > failed + 12)
        until(lambda: client.get("/users/me", headers=headers).status_code == 200)
    assert load.outcomes.keys() <= {"200", "503", "504"}
    told = {answer.json()["type"] for answer in load.answers if answer.status_code != 200}
    assert told <= {f"/problems/{slug}" for slug in ("dependency-unavailable", "deadline-exceeded", "circuit-open")}
