"""What a shared store holds, read back for a person: as the script wrote it, and for nothing that says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.routes import compile_routes
from functions.gateway.stages.limit.desk import SLOT, Ask
from functions.gateway.stages.limit.policy import MICROSECONDS, Policies
from functions.gateway.stages.limit.stored import Rules, read, rules
from runtime.units import Limit
from tests import golden
from tests.lending import Bucket, lend

NOW = 10**15
MINUTE = Limit.parse("60/1m burst 20")
ANN = "things GET /things default principal ann"
AMONG: Rules = {"things GET /things default principal": MINUTE}


def text(bucket: Bucket) -> str:
    """As gcra.lua writes it."""
    return " ".join([str(bucket.tat), *(f"{slot}:{permits}" for slot, permits in bucket.leases.items())])


def test_every_rule_of_every_route_is_known_by_what_its_keys_begin_with() -> None:
    assert {name: str(limit) for name, limit in rules(compile_routes(golden.manifests("sound"))).items()} == {
        "things GET /things/{id} default address": "100/1m burst 20",
        "things POST /things default principal": "1000/1d",
        "things POST /things flood address": "5/1s",
        "things POST /things all route": "50000/1m",
    }


def test_a_bucket_says_what_is_left_and_when_it_is_full() -> None:
    found = read(ANN, str(NOW + 4_500_000), NOW, AMONG)
    assert found is not None
    assert (found.key, found.limit, found.left, found.leased, found.full_in) == (ANN, MINUTE, 15, 0, 4.5)
    assert found.used == 0.25


def test_what_is_on_lease_is_not_left() -> None:
    found = read(ANN, f"{NOW} {NOW // SLOT - 20}:3 {NOW // SLOT + 2}:4", NOW, AMONG)
    assert found is not None
    assert (found.left, found.leased) == (16, 4)  # what the other lease held has refilled since its end
    found = read(ANN, f"{NOW} {NOW // SLOT}:3 {NOW // SLOT + 2}:4", NOW, AMONG)
    assert found is not None
    assert (found.left, found.leased) == (13, 4)  # and here it has ended only now


@pytest.mark.parametrize("said", [str(NOW), str(NOW - 1), f"{NOW} {NOW // SLOT - 12}:3"])
def test_a_bucket_that_is_full_is_not_told(said: str) -> None:
    assert read(ANN, said, NOW, AMONG) is None


@pytest.mark.parametrize(("key", "said"), [("return", str(NOW + 1000)), (ANN, "not a bucket"), (ANN, "")])
def test_what_is_no_bucket_is_not_told(key: str, said: str) -> None:
    assert read(key, said, NOW, AMONG) is None


def test_a_bucket_that_no_route_has_any_more_is_told_without_its_limit() -> None:
    found = read("things GET /gone default route all", str(NOW + MICROSECONDS), NOW, AMONG)
    assert found is not None
    assert (found.limit, found.left, found.used, found.full_in) == (None, 0, 0.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 30_000_000), st.integers(0, 30), st.integers(0, 10)), max_size=10))
def test_what_is_told_to_be_left_is_what_could_be_had(asked: list[tuple[int, int, int]]) -> None:
    """The law in Python decides, and is read back at once."""
    bucket, now, minute = None, NOW, Policies({"default": MINUTE})
    for gap, need, ahead in asked:
        now += gap
        _, (bucket,) = lend([bucket], now, minute, Ask(need, ahead))
        loan, _ = lend([bucket], now, minute, Ask(1000, 0))
        found = read(ANN, text(bucket), now, AMONG)
        assert (found.left if found else MINUTE.burst) == loan.taken
