"""Passwords -> Argon2id hashes (RFC 9106), off the event loop and bounded, so that logins cannot starve reads.

In: a password, whose code points are hashed in UTF-8 as they came. Out: a hash in PHC format, or whether one matches.
It never keeps or logs a password; work that finds no room is refused at once, and given up with the request's deadline.
"""

import asyncio
import contextlib
import os
import secrets
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from functions.users.settings import Settings
from runtime.http.problem import DEADLINE_EXCEEDED, OVERLOADED, Problem
from runtime.serving.deadline import remaining

if TYPE_CHECKING:
    from argon2 import PasswordHasher

P = ParamSpec("P")
T = TypeVar("T")

_SALT = 16  # bytes
_TAG = 32  # bytes
REST = len("$") + -(-_SALT * 8 // 6) + len("$") + -(-_TAG * 8 // 6)  # characters of a hash behind its parameters
_NICE = 10  # added to a worker's niceness


class Passwords:
    """Hashes with `workers` threads; at most `queue` more may wait."""

    def __init__(self, hasher: "PasswordHasher", *, workers: int, queue: int) -> None:
        self._hasher = hasher
        own = _nobodys(f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}")
        self._nobodys = {parameters(own): own}
        self._threads = ThreadPoolExecutor(workers, "argon2", initializer=_yield_to_the_event_loop)
        self._most = workers + queue
        self._jobs: set[Future[Any]] = set()

    @classmethod
    def open(cls, settings: Settings) -> "Passwords":
        from argon2 import PasswordHasher  # noqa: PLC0415  a module that is only imported need not load it

        hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory // 1024,
            parallelism=settings.argon2_lanes,
            hash_len=_TAG,
            salt_len=_SALT,
        )
        return cls(hasher, workers=settings.password_workers, queue=settings.password_queue)

    async def hash(self, password: str) -> str:
        """A hash with a salt of its own. Raises Problem overloaded."""
        return await self._run(self._hasher.hash, password)

    def expect(self, parameters: str) -> None:
        """Hashes with these are in use: from now on a check costs as much as one of them more, whoever it is for."""
        from argon2 import extract_parameters  # noqa: PLC0415  see above
        from argon2.exceptions import InvalidHashError  # noqa: PLC0415  see above

        if parameters not in self._nobodys:
            nobodys = _nobodys(parameters)
            with contextlib.suppress(InvalidHashError):  # what is no hash at all concerns nobody else
                extract_parameters(nobodys)
                self._nobodys[parameters] = nobodys

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether `hashed` is of `password`; without one, False after the same work. Raises Problem overloaded.

        The same is one check with each of the parameters that hashes in use were made with: of the hash itself with
        its own, and of nobody's with the others. So neither an email that nobody has, nor a hash that is older than the
        parameters of today, can be told by its time.
        """
        if hashed is not None:
            self.expect(parameters(hashed))
        checked = self._nobodys | ({parameters(hashed): hashed} if hashed else {})
        return await self._run(self._verify_all, password, [*checked.values()])

    def outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than a new hash would be."""
        return self._hasher.check_needs_rehash(hashed)

    def require_room(self) -> None:
        """Raises Problem overloaded where one more could not even wait."""
        if self.jobs >= self._most:
            raise Problem(OVERLOADED, retry_after=1)

    @property
    def jobs(self) -> int:
        """Passwords that are being hashed, or wait for it."""
        return len(self._jobs)

    def close(self) -> None:
        """Drops what still waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify_all(self, password: str, hashes: list[str]) -> bool:
        return sum(self._verify(password, hashed) for hashed in hashes) > 0  # every one is checked, also behind a match

    def _verify(self, password: str, hashed: str) -> bool:
        from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415  see above

        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.require_room()
        job = self._threads.submit(work, *args, **kwargs)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        try:
            async with asyncio.timeout(remaining()):
                return await asyncio.wrap_future(job)
        except TimeoutError:
            raise Problem(DEADLINE_EXCEEDED) from None


def parameters(hashed: str) -> str:
    """What a hash in PHC format says before its salt."""
    return hashed[:-REST]


def _nobodys(parameters: str) -> str:
    """A hash that no password is known to have, but that costs as much to check as a real one."""
    return "$".join(
        [parameters, *(b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT, _TAG))]
    )


def _yield_to_the_event_loop() -> None:
    """Linux gives each thread a niceness of its own; elsewhere threads stay equal."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)
