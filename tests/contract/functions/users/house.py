"""People who register, log in, refresh, leave and are impersonated: the machine behind test_invariants.py.

It plays sessions.py and store.py, and processes of them that are killed, against a ledger in memory. The clock is the
machine's own. A step that breaks an invariant says which.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from functions.users import sessions, store
from functions.users.model import Email, NewUser, Password, User, new_user
from functions.users.sessions import Grant
from runtime.database import Database, Row, UniqueViolation
from runtime.database.ids import uuid7
from tests.doomed import killed
from tests.invariants import holds

T = TypeVar("T")
GRACE = 10_000
LIFETIME = 3_600_000

EMAIL = "an email has one account"
CHAIN = "for a token there is one successor"
UNSPENT = "a session has one unspent token at most"
REUSED = "a spent token that comes back late ends its session"
ENDED = "a session that ended stays ended"
EXPIRED = "a token that nobody used for too long is good for nothing"
PASSWORD = "no session outlives its password"

# Under one name all that is one address: full compatibility caseless matching, and domains by their ASCII form.
SPELLINGS = {
    # Full width, then Greek with its final sigma, then Cyrillic: in escapes, as they look like other letters.
    "ann": [
        "Ann@Example.org",
        "ANN@EXAMPLE.ORG",
        "\uff41\uff4e\uff4e@example.org",
        "ann@\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.org",
    ],
    "zoë": ["zoë@example.org", "ZOË@example.org", "zoe\u0308@example.org"],
    "zoe": ["zoe@example.org", "Zoe@EXAMPLE.org"],
    "strasse": ["straße@example.org", "STRASSE@example.org", "strasse@example.org", "STRAẞE@example.org"],
    "fin": ["ﬁn@example.org", "FIN@example.org"],
    "sofos": [
        "\u03a3\u039f\u03a6\u039f\u03a3@example.org",
        "\u03c3\u03bf\u03c6\u03bf\u03c2@example.org",
        "\u03c3\u03bf\u03c6\u03bf\u03c3@example.org",
    ],
    "books": ["x@bücher.example", "x@xn--bcher-kva.example", "X@BÜCHER.example"],
    "cyrillic": ["\u0430nn@example.org"],  # looks like the first, and is another
}
ADDRESS = {spelling: name for name, spelled in SPELLINGS.items() for spelling in spelled}

spellings = st.sampled_from(sorted(ADDRESS))
picks = st.integers(0, 10**6)
tokens = st.integers(0, 2)  # back from the newest
points = st.integers(0, 8)  # of a transaction; the last ones are behind its end
delays = st.sampled_from([0, 0, 200, 1000, 4000])  # microseconds


class Family:
    """A session in its plainest form: a chain of tokens, of which the last is unspent, while it lives."""

    def __init__(self, owner: str, grant: Grant, now: int) -> None:
        self.owner = owner
        self.id = grant.session_id
        self.ended = ""  # by which of the invariants
        self.tokens = [grant.refresh_token]
        self.made_at = [now]
        self.spent_at: list[int] = []  # of every token but the last

    def presented(self, index: int, now: int) -> int | None:
        """Which token is given for it; None for none."""
        last = len(self.made_at) - 1
        if self.ended or now - self.made_at[index] >= LIFETIME:
            return None
        if index == last:
            self.spent_at.append(now)
            self.made_at.append(now)
            return last + 1
        if index == last - 1 and now - self.spent_at[index] < GRACE:
            return last
        self.ended = REUSED
        return None

    def end(self, why: str) -> None:
        """Unless it has ended already."""
        self.ended = self.ended or why

    def given(self, wanted: int | None, grant: Grant | None) -> None:
        """Holds what was given against what is wanted."""
        if wanted is None:
            holds(self.ended or EXPIRED, grant is None, "it was accepted")
            return
        holds(CHAIN, grant is not None, "nothing was given")
        assert grant is not None
        if wanted == len(self.tokens):
            holds(CHAIN, grant.refresh_token not in self.tokens, "it was given before")
            self.tokens.append(grant.refresh_token)
        holds(CHAIN, grant.refresh_token == self.tokens[wanted], "another one")


class House(RuleBasedStateMachine):
    """Its people by id, where each address lives, and every session that ever began."""

    url: str
    mortal = True  # whether requests die; in another process no planted bug lives
    taken = 0  # steps, by all machines of a class

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database: Database = self.runner.run(Database.open(self.url))
        self.now = 0
        self.people: dict[str, User] = {}
        self.homes: dict[str, str] = {}  # names of SPELLINGS -> ids
        self.families: list[Family] = []

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()

    @initialize()
    def empty(self) -> None:
        self.all(execute(self.database, "DELETE FROM sessions"))
        self.all(execute(self.database, "DELETE FROM users"))
        self.register("zoe@example.org")
        self.log_in(0)

    @rule(milliseconds=st.sampled_from([1, 4000, GRACE - 1, GRACE, GRACE, LIFETIME // 2, LIFETIME]))
    def wait(self, milliseconds: int) -> None:
        self.now += milliseconds

    @rule(spelling=spellings)
    def register(self, spelling: str) -> None:
        self.registered(spelling, [someone(spelling)])

    @rule(spelling=spellings, times=st.integers(2, 4))
    def register_at_once(self, spelling: str, times: int) -> None:
        spelled = SPELLINGS[ADDRESS[spelling]]
        self.registered(spelling, [someone(spelled[number % len(spelled)]) for number in range(times)])

    @precondition(lambda self: self.mortal)
    @rule(spelling=spellings, at=points, late=delays)
    def register_and_be_killed(self, spelling: str, at: int, late: int) -> None:
        """Nobody heard the answer, so the same is asked again."""
        user = someone(spelling)
        killed(adding, self.url, user, at=at, late=late)
        again = msgspec.structs.replace(user, id=uuid7())
        new = self.all(add(self.database, again))[0]
        if ADDRESS[spelling] in self.homes:
            holds(EMAIL, not new, spelling)
        else:
            self.moved_in(ADDRESS[spelling], again if new else user)

    @precondition(lambda self: self.people)
    @rule(pick=picks, spelling=spellings)
    def change_email(self, pick: int, spelling: str) -> None:
        user = self.somebody(pick)
        email = Email.parse(spelling)
        changed = msgspec.structs.replace(user, email=spelling, email_key=email.key, version=user.version + 1)
        taken = self.homes.get(ADDRESS[spelling], user.id) != user.id
        holds(EMAIL, self.all(change(self.database, changed))[0] != taken, spelling)
        if not taken:
            self.homes = {name: home for name, home in self.homes.items() if home != user.id}
            self.moved_in(ADDRESS[spelling], changed)

    @precondition(lambda self: self.people)
    @rule(pick=picks)
    def log_in(self, pick: int) -> None:
        user = self.somebody(pick)
        self.began(user, self.all(self.begin(user))[0])

    @precondition(lambda self: self.families)
    @rule(pick=picks, back=tokens)
    def refresh(self, pick: int, back: int) -> None:
        family, index = self.some_token(pick, back)
        grant = self.all(self.present(family.tokens[index]))[0]
        family.given(family.presented(index, self.now), grant)

    @precondition(lambda self: self.families)
    @rule(pick=picks, back=tokens, times=st.integers(2, 5))
    def refresh_at_once(self, pick: int, back: int, times: int) -> None:
        family, index = self.some_token(pick, back)
        token = family.tokens[index]
        for grant in self.all(*(self.present(token) for _ in range(times))):
            family.given(family.presented(index, self.now), grant)

    @precondition(lambda self: self.mortal and self.families)
    @rule(pick=picks, back=tokens, at=points, late=delays)
    def refresh_and_be_killed(self, pick: int, back: int, at: int, late: int) -> None:
        """Whatever the dead one did, who asks again is served as if it had not been."""
        family, index = self.some_token(pick, back)
        killed(refreshing, self.url, family.tokens[index], self.now, at=at, late=late)
        self.refresh(pick, back)

    @precondition(lambda self: self.families)
    @rule(pick=picks)
    def log_out(self, pick: int) -> None:
        family = self.some_family(pick)
        self.all(self.end(family.id))
        family.end(ENDED)

    @precondition(lambda self: self.families)
    @rule(pick=picks, back=tokens)
    def log_out_while_refreshing(self, pick: int, back: int) -> None:
        """Whoever comes first, it has ended when both are done."""
        family, index = self.some_token(pick, back)
        self.all(self.present(family.tokens[index]), self.end(family.id))
        family.end(ENDED)

    @precondition(lambda self: self.people)
    @rule(pick=picks)
    def change_password_while_logging_in(self, pick: int) -> None:
        """A login that is late has shown a password that is none any more."""
        user = self.somebody(pick)
        fresh = msgspec.structs.replace(user, password_hash=uuid7())
        grant, _ = self.all(self.begin(user), self.change_password(fresh))
        self.people[user.id] = fresh
        if grant is not None:
            self.began(user, grant)
        self.end_all(user, PASSWORD)

    @precondition(lambda self: self.people)
    @rule(pick=picks)
    def leave(self, pick: int) -> None:
        user = self.somebody(pick)
        self.all(self.remove(user))
        del self.people[user.id]
        self.homes = {name: home for name, home in self.homes.items() if home != user.id}
        self.end_all(user, ENDED)

    @rule(limit=st.integers(1, 50))
    def purge(self, limit: int) -> None:
        """Is not to be noticed by anybody."""
        self.all(self.purged(limit))

    @invariant()
    def people_are_who_they_are(self) -> None:
        type(self).taken += 1
        rows = self.all(fetch(self.database, "SELECT id, email FROM users"))[0]
        living = sorted(ADDRESS[row["email"]] for row in rows)
        holds(EMAIL, living == sorted(self.homes), living)

    @invariant()
    def sessions_live_and_die(self) -> None:
        sql = "SELECT session_id FROM refresh_tokens WHERE spent_at IS NULL"
        unspent = [row["session_id"] for row in self.all(fetch(self.database, sql))[0]]
        holds(UNSPENT, len(unspent) == len(set(unspent)), unspent)
        rows = self.all(fetch(self.database, "SELECT id FROM sessions WHERE ended_at IS NULL"))[0]
        living = {row["id"] for row in rows}
        for family in self.families:
            holds(family.ended, not family.ended or family.id not in living, family.id)
            good = not family.ended and self.now - family.made_at[-1] < LIFETIME
            holds(CHAIN, not good or family.id in living, f"{family.id} is gone")

    def somebody(self, pick: int) -> User:
        """One of the people; how many there are is not for hypothesis to know."""
        return list(self.people.values())[pick % len(self.people)]

    def some_family(self, pick: int) -> Family:
        """Mostly one that lives: of one that has ended there is little to learn."""
        living = [family for family in self.families if not family.ended and self.now - family.made_at[-1] < LIFETIME]
        some = living if living and pick % 4 else self.families
        return some[-1 - pick // 4 % min(3, len(some))]

    def some_token(self, pick: int, back: int) -> tuple[Family, int]:
        """A family, and which of its tokens: one of the latest."""
        family = self.some_family(pick)
        return family, max(0, len(family.tokens) - 1 - back)

    def registered(self, spelling: str, users: list[User]) -> None:
        """Holds that one of these got in, if nobody was there."""
        new = self.all(*(add(self.database, user) for user in users))
        holds(EMAIL, sum(new) == (ADDRESS[spelling] not in self.homes), spelling)
        for user, is_new in zip(users, new, strict=True):
            if is_new:
                self.moved_in(ADDRESS[spelling], user)

    def moved_in(self, name: str, user: User) -> None:
        self.homes[name] = user.id
        self.people[user.id] = user

    def began(self, user: User, grant: Grant | None) -> None:
        holds(CHAIN, grant is not None, "a login that was in order began no session")
        assert grant is not None
        self.families.append(Family(user.id, grant, self.now))

    def end_all(self, user: User, why: str) -> None:
        for family in self.families:
            if family.owner == user.id:
                family.end(why)

    def all(self, *asked: Coroutine[Any, Any, T]) -> list[T]:
        """What they return, when all have run at once."""

        async def at_once() -> list[T]:
            return list(await asyncio.gather(*asked))

        return self.runner.run(at_once())

    async def begin(self, user: User) -> Grant | None:
        return await sessions.begin(self.database, user, user.password_hash, self.now)

    async def present(self, token: str) -> Grant | None:
        return await sessions.refresh(self.database, token, self.now, LIFETIME)

    async def end(self, session_id: str) -> None:
        async with self.database.write() as connection:
            await store.end_session(connection, session_id, self.now)

    async def change_password(self, fresh: User) -> None:
        async with self.database.write() as connection:
            await store.set_hash(connection, fresh.id, fresh.password_hash)
            await store.end_sessions(connection, fresh.id, self.now)

    async def remove(self, user: User) -> None:
        async with self.database.write() as connection:
            await store.remove_user(connection, user.id)
            await store.end_sessions(connection, user.id, self.now)

    async def purged(self, limit: int) -> int:
        async with self.database.write() as connection:
            return await store.purge(connection, ended_before=self.now, unused_since=self.now - LIFETIME, limit=limit)


def someone(spelling: str) -> User:
    """A new account of who writes the address like this."""
    return new_user(uuid7(), NewUser(Email.parse(spelling), "Zoe", Password("x" * 12)), uuid7(), 0)


async def add(database: Database, user: User) -> bool:
    """Whether the address was free."""
    try:
        async with database.write() as connection:
            await store.add_user(connection, user)
    except UniqueViolation:
        return False
    return True


async def change(database: Database, user: User) -> bool:
    """Whether the address was free."""
    try:
        async with database.write() as connection:
            return await store.change_user(connection, user)
    except UniqueViolation:
        return False


async def fetch(database: Database, sql: str) -> Sequence[Row]:
    async with database.read() as connection:
        return await connection.fetch(sql)


async def execute(database: Database, sql: str) -> int:
    async with database.write() as connection:
        return await connection.execute(sql)


async def adding(url: str, user: User) -> None:
    """In a process of its own."""
    await add(await Database.open(url, connections=1), user)


async def refreshing(url: str, token: str, now: int) -> None:
    """In a process of its own."""
    await sessions.refresh(await Database.open(url, connections=1), token, now, LIFETIME)
