"""What must hold whatever is asked, in whatever order, at once, and however often a process dies half-way.

Bugs planted on purpose show that the machine in house.py would notice, and by which of its invariants.
PORTICO_EXAMPLES makes it run longer.
"""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from functions.users import model, sessions, store
from functions.users.model import Presented, Verdict
from functions.users.tokens import random_token
from runtime.database import Connection
from tests.contract.functions.users.house import CHAIN, EMAIL, ENDED, PASSWORD, REUSED, House
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken

Play = Callable[[settings, bool], int]
Find = Callable[[str], None]
Plant = pytest.MonkeyPatch


@pytest.fixture
def play(users_url: str) -> Play:
    """Runs the machine on a database of this test; how many steps it took."""
    here: type[House] = type("Here", (House,), {"url": users_url})

    def run(bounds: settings, mortal: bool) -> int:  # noqa: FBT001  two arguments
        here.mortal = mortal
        run_state_machine_as_test(here, settings=bounds)
        return here.taken

    return run


@pytest.fixture
def find(play: Play) -> Find:
    """Plays until something breaks, and holds that it is this."""

    def run(invariant: str) -> None:
        with pytest.raises(Broken, match=invariant):
            play(UNTIL_FOUND, False)  # noqa: FBT003  see play

    return run


@pytest.mark.timeout(60 + 20 * EXAMPLES)
def test_whatever_is_asked_and_whoever_dies_nobody_is_somebody_else(
    play: Play, record_testsuite_property: Callable[[str, object], None]
) -> None:
    taken = play(BOUNDS, True)  # noqa: FBT003  see play
    record_testsuite_property("steps", taken)
    assert taken > 10 * EXAMPLES  # a machine that hardly plays finds nothing


# Tests of the test: each bug is found, and by the invariant that it breaks.


async def nothing(*_: object, **__: object) -> None:
    """Instead of something."""


def test_a_refresh_that_is_accepted_twice_is_noticed(find: Find, monkeypatch: Plant) -> None:
    strict = Presented.verdict

    def lenient(self: Presented, now: int, lifetime: int) -> Verdict:
        found = strict(self, now, lifetime)
        return Verdict.AGAIN if found is Verdict.REUSED else found

    monkeypatch.setattr(Presented, "verdict", lenient)
    find(REUSED)


def test_a_successor_that_differs_each_time_is_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(sessions, "successor", lambda _token, _salt: random_token())
    find(CHAIN)


def test_a_session_that_is_not_ended_is_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(store, "end_session", nothing)
    find(f"{ENDED}|{REUSED}")


def test_sessions_that_outlive_a_password_are_noticed(find: Find, monkeypatch: Plant) -> None:
    async def for_leavers_only(connection: Connection, user_id: str, now: int) -> None:
        if await store.user(connection, user_id) is None:
            await end_all(connection, user_id, now)

    end_all = store.end_sessions
    monkeypatch.setattr(store, "end_sessions", for_leavers_only)
    find(PASSWORD)


def test_addresses_that_are_compared_letter_by_letter_are_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(model, "_folded", lambda text: text)
    find(EMAIL)
