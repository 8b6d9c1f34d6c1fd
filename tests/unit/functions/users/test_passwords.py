"""functions/users/passwords.py: hashing off the event loop, and no more of it than there is room for."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from functions.users.passwords import Passwords
from functions.users.settings import Settings
from runtime import deadline
from runtime.problem import Problem
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


def test_a_stranger_costs_the_same_work_as_a_user(passwords: Passwords) -> None:
    real, nobodys = CHEAP.hash("correct horse battery"), passwords._nobodys
    assert nobodys.split("$")[:4] == real.split("$")[:4]
    assert [len(part) for part in nobodys.split("$")] == [len(part) for part in real.split("$")]


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
