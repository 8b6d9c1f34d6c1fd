"""functions/users/passwords.py: hashing off the event loop, and no more of it than there is room for."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher

from functions.users.passwords import REST, Passwords, parameters
from functions.users.settings import Settings
from runtime.http.problem import Problem
from runtime.serving import deadline
from runtime.settings import Secret

SETTINGS = Settings(database_url=Secret(""), signing_keys_dir="")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Gate(PasswordHasher):
    """Hashes once it is opened, and counts the hashes that have begun."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.opened = threading.Event()
        self.begun = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.begun += 1
        self.opened.wait()
        return super().hash(password, salt=salt)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    pool = Passwords(CHEAP, workers=2, queue=8)
    yield pool
    pool.close()


async def test_a_hash_matches_its_password_and_no_other(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")
    assert await passwords.matches("correct horse battery", hashed)
    assert not await passwords.matches("correct horse batterz", hashed)


async def test_composed_and_decomposed_letters_make_two_passwords(passwords: Passwords) -> None:
    assert not await passwords.matches("jose\u0301 and the rest", await passwords.hash("josé and the rest"))


async def test_nobody_has_a_password(passwords: Passwords) -> None:
    assert not await passwords.matches("correct horse battery", None)


async def test_the_defaults_are_the_least_that_owasp_asks_for() -> None:
    passwords = Passwords.open(SETTINGS)
    try:
        assert (await passwords.hash("correct horse battery")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    finally:
        passwords.close()


class Counting(PasswordHasher):
    """Notes the parameters of every hash that is checked."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=8, parallelism=1)
        self.checked: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  its name in the library
        self.checked.append(parameters(str(hash)))
        return super().verify(hash, password)


async def test_a_stranger_costs_the_same_work_as_a_user_whatever_their_hash_was_made_with() -> None:
    counting = Counting()
    passwords = Passwords(counting, workers=1, queue=8)
    oldest = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash("correct horse battery")
    passwords.expect(parameters(CHEAP.hash("anything")))
    passwords.expect(parameters(oldest))
    work: list[list[str]] = []
    for hashed in (None, oldest, CHEAP.hash("correct horse battery"), counting.hash("correct horse battery")):
        for password in ("correct horse battery", "correct horse batterz"):
            counting.checked.clear()
            right = hashed is not None and password == "correct horse battery"
            assert await passwords.matches(password, hashed) is right
            work.append(sorted(counting.checked))
    assert len(work[0]) == 3
    assert all(each == work[0] for each in work)
    passwords.close()


async def test_a_hash_that_nobody_expected_is_expected_from_then_on() -> None:
    counting = Counting()
    passwords = Passwords(counting, workers=1, queue=8)
    await passwords.matches("x", CHEAP.hash("y"))
    counting.checked.clear()
    await passwords.matches("x", None)
    assert len(counting.checked) == 2
    passwords.close()


async def test_what_is_no_hash_is_nobody_elses_trouble(passwords: Passwords) -> None:
    passwords.expect("$argon2id$v=19$m=8,t=1")
    passwords.expect("nonsense")
    assert not await passwords.matches("x", None)


def test_nobodys_hash_has_the_length_of_a_real_one() -> None:
    real = CHEAP.hash("correct horse battery")
    assert real[-REST:].count("$") == 2
    assert real == parameters(real) + real[-REST:]
    assert parameters(real).split("$")[1:] == real.split("$")[1:4]


def test_a_hash_made_with_other_parameters_is_outdated(passwords: Passwords) -> None:
    assert passwords.outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))
    assert not passwords.outdated(CHEAP.hash("x"))


async def test_work_beyond_workers_and_queue_is_refused_at_once_and_taken_again_when_there_is_room() -> None:
    gate = Gate()
    passwords = Passwords(gate, workers=1, queue=2)
    running = [asyncio.create_task(passwords.hash("x" * 12)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="overloaded") as refused:
        await passwords.hash("x" * 12)
    assert dict(refused.value.headers) == {b"retry-after": b"1"}
    gate.opened.set()
    await asyncio.gather(*running)
    assert await passwords.hash("x" * 12)
    passwords.close()


async def test_a_caller_that_leaves_the_queue_frees_its_place_and_costs_no_hash() -> None:
    gate = Gate()
    passwords = Passwords(gate, workers=1, queue=1)
    first, leaver = (asyncio.create_task(passwords.hash("x" * 12)) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.wait([leaver])
    another = asyncio.create_task(passwords.hash("x" * 12))
    gate.opened.set()
    await asyncio.gather(first, another)
    assert gate.begun == 2
    passwords.close()


async def test_a_caller_whose_time_is_up_waits_no_longer() -> None:
    gate = Gate()
    passwords = Passwords(gate, workers=1, queue=1)
    token = deadline.current.set(deadline.Deadline.after(0.0))
    with pytest.raises(Problem, match="deadline-exceeded"):
        await passwords.hash("x" * 12)
    deadline.current.reset(token)
    gate.opened.set()
    assert await passwords.hash("x" * 12)
    passwords.close()
