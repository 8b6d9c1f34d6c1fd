"""One gateway's desk: how much it asks for, how long a lease lasts, and what clients are told."""

from functions.gateway.stages.limit.bucket import Refusal
from functions.gateway.stages.limit.desk import LIFE, Ask, Desk, Loan, outcomes
from tests.lending import alone, policies

BIG = policies("1000/1s")  # one a millisecond
SHARE = 50


def desk() -> Desk:
    return Desk(BIG, ("key",), 0)


def lent(permits: int, sent: int = 0) -> Desk:
    """A desk with permits on lease; the store's clock is hours ahead."""
    made = desk()
    made.receive(Loan(10**10 + sent, 0, permits, 7, 0, (10**10 + sent + permits * 1000,)), sent)
    return made


def ahead(requests: int, now: int = 0, share: int = SHARE) -> int:
    made = desk()
    for _ in range(requests):
        made.count()
    return made.ask(now, 1, share).ahead


def test_a_few_requests_are_not_worth_a_lease() -> None:
    assert [ahead(requests) for requests in (1, 7, 8, 20, 900)] == [0, 0, 8, 20, 50]


def test_where_the_share_is_small_nothing_is_leased() -> None:
    assert ahead(900, share=7) == 0


def test_a_lease_follows_the_demand_of_the_last_half_second() -> None:
    made = desk()
    for _ in range(40):
        made.count()
    assert made.ask(1_000_000, 1, SHARE).ahead == 20  # 40 in a second
    assert made.ask(9_000_000, 1, SHARE).ahead == 0  # and none since


def test_a_lease_is_used_until_it_ends_by_the_gateways_clock() -> None:
    made = lent(3, sent=500)
    assert made.serve(500 + LIFE - 1)
    assert not made.serve(500 + LIFE)
    assert made.held == 2


def test_a_lease_is_used_up_and_no_further() -> None:
    made = lent(2)
    assert [made.serve(1) for _ in range(3)] == [True, True, False]


def test_an_ask_gives_back_what_is_left_and_only_once() -> None:
    made = lent(9)
    made.serve(1)
    assert made.ask(2, 0, SHARE) == Ask(0, 0, 7, 9, 8)
    assert made.ask(3, 0, SHARE) == Ask(0, 0, 0, 0, 0)
    assert not made.serve(4)


def test_a_lease_that_ends_soon_or_is_used_up_is_told() -> None:
    made = lent(1)
    assert not made.ends(LIFE - 1000, 1000)
    assert made.ends(LIFE - 999, 1000)
    made.serve(1)
    assert made.ends(1, 1000)
    assert not desk().ends(1, 1000)


def test_what_is_on_lease_remains_to_be_had() -> None:
    made = lent(9)
    made.serve(0)
    assert [state.remaining for state in made.admission(0).states] == [999]
    assert [state.remaining for state in desk().admission(0).states] == [1000]


def test_requests_that_waited_together_are_told_one_after_the_other() -> None:
    loan = Loan(now=0, taken=2, lent=5, slot=1, spare=0, tats=(1000 * 1000 - 1 * 1000,))
    told = outcomes(loan, Ask(3, 5), BIG)
    assert [alone(each)[:2] for each in told] == [(True, 7), (True, 6), (False, 0)]


def test_a_bucket_without_a_permit_is_told_as_refusing_and_others_are_not() -> None:
    (told,) = outcomes(Loan(0, 0, 0, 1, 0, (0, 1_000_000)), Ask(1, 0), policies("1000/1s", "10/1s"))
    assert isinstance(told, Refusal)
    assert ([state.remaining for state in told.states], told.violated, told.retry_after) == ([1000, 0], (1,), 0.1)


def test_who_got_nothing_is_refused_whatever_is_said_of_the_buckets() -> None:
    (told,) = outcomes(Loan(0, 0, 0, 1, 0, (0, 0)), Ask(1, 0), policies("1000/1s", "10/1s"))
    assert isinstance(told, Refusal)
    assert ([state.remaining for state in told.states], told.violated, told.retry_after) == ([0, 0], (0, 1), 0.1)
