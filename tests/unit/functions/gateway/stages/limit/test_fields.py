"""The RateLimit fields, letter by letter as the contract shows them."""

from functions.gateway.stages.limit.bucket import Admission, State, decide
from functions.gateway.stages.limit.fields import Fields
from functions.gateway.stages.limit.policy import MICROSECONDS, bucket
from runtime.units import Limit

LIMIT = Limit.parse("100/1m")


def first(limit: Limit) -> tuple[State, ...]:
    """What is told of a full bucket after one permit."""
    return decide([None], 0, [bucket(limit)])[0].states


def test_the_first_of_a_hundred_a_minute_reads_as_the_contract_shows() -> None:
    assert Fields(["default"], [LIMIT]).of(first(LIMIT)) == (
        (b"ratelimit-policy", b'"default";q=100;w=60'),
        (b"ratelimit", b'"default";r=99;t=1'),
    )


def test_q_is_the_count_and_r_begins_at_the_burst() -> None:
    limit = Limit.parse("1000/1d burst 20")
    assert Fields(["daily"], [limit]).of(first(limit)) == (
        (b"ratelimit-policy", b'"daily";q=1000;w=86400'),
        (b"ratelimit", b'"daily";r=19;t=87'),
    )


def test_waiting_t_seconds_is_always_enough() -> None:
    limit = Limit.parse("7/1m burst 1")  # one every 8.57 s
    taken, tats = decide([None], 0, [bucket(limit)])
    assert Fields(["default"], [limit]).of(taken.states)[1] == (b"ratelimit", b'"default";r=0;t=9')
    assert isinstance(decide(tats, 9 * MICROSECONDS, [bucket(limit)])[0], Admission)


def test_t_is_0_when_the_bucket_is_full() -> None:
    assert Fields(["default"], [LIMIT]).of((State(100, 0.0),))[1] == (
        b"ratelimit",
        b'"default";r=100;t=0',
    )


def test_several_policies_are_members_of_one_list() -> None:
    daily = Limit.parse("1000/1d")
    assert Fields(["default", "daily"], [LIMIT, daily]).of(first(LIMIT) + first(daily)) == (
        (b"ratelimit-policy", b'"default";q=100;w=60, "daily";q=1000;w=86400'),
        (b"ratelimit", b'"default";r=99;t=1, "daily";r=999;t=87'),
    )


def test_where_nobody_decided_nothing_is_said() -> None:
    assert Fields(["default"], [LIMIT]).of(()) == ()
