"""functions/gateway/revocations.py: what has ended stays refused for as long as it matters, whatever the feed does."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.revocations import AT_ONCE, INTERVAL, LARGEST, PAGES, RETRY, Revocations, following
from runtime.http.problem import UNREACHABLE, Problem

LIFETIME = 900


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Feed:
    """Gives its answers one by one, then hangs; a question after a pause comes when the pause is over, at once here."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[int] = []
        self.after: list[str] = []
        self.waits: list[float] = []
        self.done = asyncio.Event()

    async def __call__(self, since: int, after: str) -> bytes:
        if not self._answers:
            self.done.set()
            await asyncio.Event().wait()
        self.asked.append(since)
        self.after.append(after)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def told(*sessions: str, since: int, after: str = "") -> bytes:
    return msgspec.json.encode({"sessions": sessions, "since": since, "lifetime": LIFETIME, "after": after})


AWAY = Problem(UNREACHABLE)


async def followed(*answers: bytes | Exception) -> tuple[Revocations, Feed]:
    """After the last answer."""
    ended, feed = Revocations(Clock()), Feed(*answers)
    async with following(feed, ended, sleep=feed.sleep):
        await feed.done.wait()
    return ended, feed


async def test_what_ended_before_the_start_is_known_when_the_start_is_over() -> None:
    ended, feed = Revocations(Clock()), Feed(told("a", since=5))
    async with following(feed, ended, sleep=feed.sleep):
        assert "a" in ended
    assert feed.asked == [0]


async def test_it_reads_on_from_where_it_was_told_to() -> None:
    ended, feed = await followed(told("a", since=5), told("b", since=9), told(since=11))
    assert feed.asked == [0, 5, 9]
    assert feed.waits == [INTERVAL] * 3
    assert ("a" in ended, "b" in ended, "c" in ended) == (True, True, False)


@pytest.mark.parametrize(
    "broken",
    [
        AWAY,
        b"",
        b"[]",
        b'{"sessions": ["b"]}',
        b'{"sessions": ["c"], "since": -1, "lifetime": 900}',
        b'{"sessions": ["c"], "since": 1%b, "lifetime": 900}' % (b"0" * 30),
        b'{"sessions": ["c"], "since": 1, "lifetime": -900}',
        b'{"sessions": ["c"], "since": 1, "lifetime": 1%b}' % (b"0" * 400),
        b'{"sessions": ["%b"], "since": 1, "lifetime": 900}' % (b"c" * 256),
        b'{"sessions": ["c"%b], "since": 1, "lifetime": 900}' % (b" " * LARGEST),
        RuntimeError("a bug"),
    ],
)
async def test_while_the_feed_is_away_what_is_known_stays_and_nothing_is_left_out(broken: bytes | Exception) -> None:
    ended, feed = await followed(told("a", since=5), broken, broken, told("b", since=9))
    assert feed.asked == [0, 5, 5, 5]
    assert feed.waits == [INTERVAL, RETRY, RETRY, INTERVAL]
    assert "a" in ended
    assert "b" in ended


async def test_every_page_is_read_and_the_next_round_begins_where_the_first_one_said() -> None:
    pages = (told("a", "b", since=5, after="b"), told("c", since=6, after="c"), told(since=7))
    ended, feed = await followed(*pages, told("d", since=9))
    assert list(zip(feed.asked, feed.after, strict=True)) == [(0, ""), (0, "b"), (0, "c"), (5, "")]
    assert feed.waits == [INTERVAL] * 2
    assert all(each in ended for each in "abcd")


async def test_a_page_that_is_lost_has_the_round_begin_anew() -> None:
    ended, feed = await followed(told("a", since=5, after="a"), AWAY, told("a", since=6, after="a"), told("b", since=7))
    assert list(zip(feed.asked, feed.after, strict=True)) == [(0, ""), (0, "a"), (0, ""), (0, "a")]
    assert feed.waits == [RETRY, INTERVAL]
    assert all(each in ended for each in "ab")


async def test_pages_without_an_end_end() -> None:
    ended, feed = await followed(*[told("a", since=5, after="a")] * (PAGES + 1), told("b", since=6))
    assert feed.asked == [0] * (PAGES + 2)
    assert feed.waits == [RETRY, INTERVAL]
    assert "b" in ended


def test_no_more_is_remembered_than_there_is_room_for_and_nothing_is_forgotten_for_it() -> None:
    clock = Clock()
    ended = Revocations(clock, most=2)
    ended.add(["a", "b"], LIFETIME)
    ended.add(["a", "b"], LIFETIME)
    with pytest.raises(OverflowError):
        ended.add(["c"], LIFETIME)
    assert ("a" in ended, "b" in ended, "c" in ended) == (True, True, False)
    clock.now = LIFETIME + 60
    ended.add(["c"], LIFETIME)
    assert "c" in ended


def test_many_that_are_past_go_in_steps_that_hold_nobody_up() -> None:
    """With an ordinary dict, which looks for its first entry past all that went, this took minutes of an event loop."""
    clock = Clock()
    ended = Revocations(clock)
    ended.add(map(str, range(500_000)), LIFETIME)
    clock.now = LIFETIME + 60
    for left in range(500_000 - AT_ONCE, -1, -AT_ONCE):
        ended.add([], LIFETIME)
        assert len(ended) == left


async def test_a_gateway_starts_while_the_feed_is_away_and_asks_again_soon() -> None:
    ended, feed = await followed(AWAY, told("a", since=5))
    assert feed.asked == [0, 0]
    assert feed.waits == [RETRY, INTERVAL]
    assert "a" in ended


def test_a_session_is_kept_until_no_token_of_it_can_live() -> None:
    clock = Clock()
    ended = Revocations(clock)
    ended.add(["a"], LIFETIME)
    clock.now = LIFETIME + 20
    ended.add(["a", "b"], LIFETIME)
    assert "a" in ended
    clock.now = LIFETIME + 60
    ended.add([], LIFETIME)
    assert "a" not in ended
    assert "b" in ended


@given(st.lists(st.tuples(st.floats(0, 500), st.sets(st.integers(0, 9).map(str))), max_size=30))
def test_nothing_is_let_go_early_and_nothing_is_kept_for_ever(steps: list[tuple[float, set[str]]]) -> None:
    clock = Clock()
    ended = Revocations(clock)
    heard: dict[str, float] = {}
    for pause, sessions in steps:
        clock.now += pause
        ended.add(sessions, LIFETIME)
        heard = dict.fromkeys(sessions, clock.now) | heard
        assert all(name in ended for name, at in heard.items() if clock.now - at <= LIFETIME)
        heard = {name: at for name, at in heard.items() if name in ended}
        assert len(ended) == len(heard)
    clock.now += LIFETIME + 60
    ended.add([], LIFETIME)
    assert len(ended) == 0
