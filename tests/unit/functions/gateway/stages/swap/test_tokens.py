"""What is kept of API keys: for how long, how many, and how often anybody is asked."""

import asyncio
from collections import Counter

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from functions.gateway.stages.swap import tokens as module
from functions.gateway.stages.swap.tokens import MARGIN, REFUSED, Swapped, Tokens
from runtime.http.problem import DEPENDENCY_UNAVAILABLE, MISBEHAVED, Problem
from runtime.identity.verifier import Refused

LIFETIME = 900


class Users:
    """Who knows the keys, by the number of the token that was given last; counts what it is asked."""

    def __init__(self, *good: str) -> None:
        self.good = set(good)
        self.asked: Counter[str] = Counter()
        self.away = False
        self.now = 0.0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, key: str) -> bytes | None:
        self.asked[key] += 1
        await self.go.wait()
        if self.away:
            raise Problem(DEPENDENCY_UNAVAILABLE, retry_after=1)
        if key not in self.good:
            return None
        return msgspec.json.encode(Swapped(f"{key} {self.asked[key]}", LIFETIME))

    def clock(self) -> float:
        return self.now


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    users = Users("a")
    tokens = Tokens(users, users.clock)
    assert tokens.known("a") is None
    assert await tokens.fetch("a") == "a 1"
    users.now = LIFETIME - MARGIN - 1
    assert tokens.known("a") == "a 1"
    users.now = LIFETIME - MARGIN
    assert tokens.known("a") is None


async def test_a_key_that_is_none_is_refused_for_a_while_without_asking() -> None:
    users = Users()
    tokens = Tokens(users, users.clock)
    with pytest.raises(Refused):
        await tokens.fetch("a")
    users.now = REFUSED - 1
    with pytest.raises(Refused):
        tokens.known("a")
    users.now = REFUSED
    assert tokens.known("a") is None
    assert users.asked["a"] == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'{"access_token": "a"}',
        b'{"access_token": "", "expires_in": 900}',
        b'{"access_token": "a\\r\\nx: y", "expires_in": 900}',
        b'{"access_token": "\\u00e9", "expires_in": 900}',
        b'{"access_token": "%b", "expires_in": 900}' % (b"a" * 4097),
        b'{"access_token": "a", "expires_in": -1}',
        b'{"access_token": "a", "expires_in": 1%b}' % (b"0" * 400),
        b'{"access_token": "a", "expires_in": null}',
    ],
)
async def test_an_answer_that_holds_no_token_is_the_functions_fault_and_is_not_kept(answer: bytes) -> None:
    async def ask(_key: str) -> bytes:
        return answer

    tokens = Tokens(ask)
    with pytest.raises(Problem) as raised:
        await tokens.fetch("a")
    assert (raised.value.kind, tokens.known("a")) == (MISBEHAVED, None)


@pytest.mark.parametrize("key", ["", "a b", "é", "a.b", "a" * 129])
async def test_what_cannot_be_a_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(Refused):
        Tokens(Users()).known(key)


async def test_many_who_come_at_once_are_one_question_and_one_who_leaves_takes_nobody_with_him() -> None:
    users = Users("a")
    tokens = Tokens(users, users.clock)
    users.go.clear()
    waiting = [asyncio.create_task(tokens.fetch("a")) for _ in range(5)]
    await asyncio.sleep(0)
    waiting.pop(0).cancel()
    users.go.set()
    assert await asyncio.gather(*waiting) == ["a 1"] * 4
    assert users.asked["a"] == 1


async def test_while_nobody_answers_each_is_told_so_for_himself_and_nothing_is_kept() -> None:
    users = Users("a")
    users.away = True
    tokens = Tokens(users, users.clock)
    problems = await asyncio.gather(tokens.fetch("a"), tokens.fetch("a"), return_exceptions=True)
    assert all(isinstance(each, Problem) and each.kind is DEPENDENCY_UNAVAILABLE for each in problems)
    assert problems[0] is not problems[1]  # answers are written on them
    users.away = False
    assert await tokens.fetch("a") == "a 2"


async def test_one_that_was_forgotten_is_asked_for_anew() -> None:
    users = Users("a")
    tokens = Tokens(users, users.clock)
    await tokens.fetch("a")
    tokens.forget("a")
    assert tokens.known("a") is None


async def test_however_many_are_made_up_the_good_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    users = Users("a")
    tokens = Tokens(users, users.clock)
    await tokens.fetch("a")
    for number in range(100):
        with pytest.raises(Refused):
            await tokens.fetch(f"forged-{number}")
    assert tokens.known("a") == "a 1"
    assert (len(tokens._good), len(tokens._bad)) == (1, 10)


async def test_who_closes_waits_for_nobody() -> None:
    users = Users("a")
    users.go.clear()
    tokens = Tokens(users, users.clock)
    waiting = asyncio.create_task(tokens.fetch("a"))
    await asyncio.sleep(0)
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Any(RuleBasedStateMachine):
    """Keys that are made, ended and used in any order: none that has ended gets a new token, and few are asked for."""

    keys = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.users = self.runner.run(self._users())
        self.tokens = Tokens(self.users, self.users.clock)

    async def _users(self) -> Users:
        return Users("a")

    def teardown(self) -> None:
        self.runner.close()

    @rule(key=keys)
    def begin(self, key: str) -> None:
        """A new one is random, so nobody has asked for it before."""
        if not self.users.asked[key]:
            self.users.good.add(key)

    @rule(key=keys)
    def end(self, key: str) -> None:
        """Its session is refused below, and forgotten then."""
        self.users.good.discard(key)
        self.tokens.forget(key)

    @rule(seconds=st.sampled_from([1.0, REFUSED, LIFETIME - MARGIN]))
    def wait(self, seconds: float) -> None:
        self.users.now += seconds

    @rule(key=keys)
    def use(self, key: str) -> None:
        good = key in self.users.good
        try:
            token = self.tokens.known(key) or self.runner.run(self.tokens.fetch(key))
        except Refused:
            assert not good
        else:
            assert good
            assert token == f"{key} {self.users.asked[key]}"  # the last that was given

    @invariant()
    def nothing_is_asked_twice(self) -> None:
        assert not self.tokens._asking


TestAny = Any.TestCase
