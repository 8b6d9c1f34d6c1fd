"""Who may try a password: guessing gets slow, and nobody's guessing keeps an owner out."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from functions.users.throttle.decision import ELSEWHERE, HERE, KNOWN, MINUTE, Tried, verdict

FRESH = Tried(here=0, elsewhere=0, known_until=0)
NOW = 1_700_000_000_000
times = st.integers(0, 2 * KNOWN)


def admitted(tried: Tried, now: int, times: int) -> tuple[int, Tried]:
    """How many of so many attempts on end are heard, and what is stored then."""
    heard = 0
    for _ in range(times):
        found = verdict(tried, now)
        tried, heard = found.tried, heard + (not found.wait)
    return heard, tried


def test_from_one_network_some_may_be_tried_at_once_and_one_more_after_a_while() -> None:
    heard, tried = admitted(FRESH, NOW, 100)
    assert heard == HERE.most
    assert verdict(tried, NOW).wait == HERE.every
    assert admitted(tried, NOW + HERE.every - 1, 9)[0] == 0
    assert admitted(tried, NOW + HERE.every, 9)[0] == 1


def test_from_everywhere_together_a_hundred_may_and_then_one_from_each() -> None:
    elsewhere, heard = 0, []
    for _network in range(20):
        count, tried = admitted(Tried(0, elsewhere, 0), NOW, 50)
        elsewhere = tried.elsewhere
        heard.append(count)
    assert heard == [HERE.most] * (ELSEWHERE.most // HERE.most) + [1] * (20 - ELSEWHERE.most // HERE.most)


def test_one_whose_attempt_was_wrong_while_others_guess_has_the_next_after_a_while() -> None:
    guessed = Tried(0, NOW + ELSEWHERE.most * ELSEWHERE.every, 0)
    heard, tried = admitted(guessed, NOW, 5)
    assert (heard, verdict(tried, NOW).wait) == (1, HERE.every)


@given(elsewhere=times, now=times)
def test_nobody_elsewhere_takes_the_attempts_of_a_network_that_is_known(elsewhere: int, now: int) -> None:
    assert admitted(Tried(0, elsewhere, now + 1), now, 100)[0] == HERE.most


@given(elsewhere=times, now=times, known_until=times)
def test_the_first_attempt_from_anywhere_is_always_heard(elsewhere: int, now: int, known_until: int) -> None:
    assert verdict(Tried(0, elsewhere, known_until), now).wait == 0


@given(here=times, elsewhere=times, known_until=times, now=times)
def test_who_waits_as_long_as_he_is_told_is_heard_if_nothing_else_happens(
    here: int, elsewhere: int, known_until: int, now: int
) -> None:
    found = verdict(Tried(here, elsewhere, known_until), now)
    later = verdict(found.tried, now + found.wait)
    assert not found.wait or known_until in range(now, now + found.wait + 1) or later.wait == 0


class Guessing(RuleBasedStateMachine):
    """Many who guess, each from a network of their own, against a plain count of what was heard."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.here = dict.fromkeys(range(30), 0)
        self.elsewhere = 0
        self.heard: list[tuple[int, int]] = []

    @rule(minutes=st.sampled_from([1, 5, 30, 600]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(network=st.integers(0, 29), times=st.integers(1, 40))
    def guess(self, network: int, times: int) -> None:
        for _ in range(times):
            found = verdict(Tried(self.here[network], self.elsewhere, 0), self.now)
            if not found.wait:
                self.here[network], self.elsewhere = found.tried.here, found.tried.elsewhere
                self.heard.append((self.now, network))
        self._bounded(network)

    def _bounded(self, network: int) -> None:
        """Over any time: a burst and what came back since; and beyond that, singles."""
        for start, _ in self.heard:
            since = [where for when, where in self.heard if when >= start]
            span = self.now - start
            assert since.count(network) <= HERE.most + span // HERE.every + 1
            shared = ELSEWHERE.most + span // ELSEWHERE.every + 1
            assert len(since) <= shared + len(set(since)) * (1 + span // HERE.every)


TestGuessing = Guessing.TestCase
