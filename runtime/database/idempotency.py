"""Once, and only once: an effect, its Idempotency-Key and its answer in one transaction.

A claim and an effect go in; the answer comes out, the same one for 24 hours, however often and wherever it is asked
for. It never records a 5xx: what failed on our side may be tried again. draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from runtime.database import Connection, Database, DatabaseBusy
from runtime.http.problem import IN_FLIGHT, KEY_MISSING, MALFORMED, MISMATCH, Kind, Problem

REPLAYED = (b"idempotency-replayed", b"true")
KEPT_MS = 24 * 60 * 60 * 1000
BATCH = 500

# A function that honours keys has this text, as it is, in a file of its schema/ folder.
SCHEMA = """\
CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    outcome TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, method, route, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
"""

# Whoever comes second waits here for the transaction of the first: on SQLite it has waited in BEGIN IMMEDIATE.
CLAIM = """
INSERT INTO idempotency_keys (principal, method, route, key, fingerprint, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (principal, method, route, key) DO UPDATE
SET fingerprint = excluded.fingerprint, outcome = NULL, created_at = excluded.created_at
WHERE idempotency_keys.created_at <= $7
"""
RECORD = "UPDATE idempotency_keys SET outcome = $5 WHERE principal = $1 AND method = $2 AND route = $3 AND key = $4"
RECALL = """
SELECT fingerprint, outcome FROM idempotency_keys WHERE principal = $1 AND method = $2 AND route = $3 AND key = $4
"""
# The age is asked for twice: a row that is claimed anew while PURGE waits for it passes the inner condition only.
PURGE = """
DELETE FROM idempotency_keys WHERE created_at <= $1 AND (principal, method, route, key) IN
(SELECT principal, method, route, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)
"""


class Claim(msgspec.Struct, frozen=True):
    """Who asks for what, under which key; `fingerprint` is that of the body."""

    principal: str
    method: str
    route: str
    key: str
    fingerprint: str

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What may happen once."""
        return self.principal, self.method, self.route, self.key


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """What an effect answers when it succeeded; a refusal is raised as a Problem. Raises ValueError if not a 2xx."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __post_init__(self) -> None:
        if not 200 <= self.status < 300:
            raise ValueError(f"{self.status} is not a success: raise a Problem instead")


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """A Problem without what differs from one request to the next: its instance and its request id."""

    kind: Kind
    detail: str
    headers: list[tuple[str, str]]
    members: dict[str, Any]

    @classmethod
    def of(cls, problem: Problem) -> "Refusal":
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in problem.headers]
        return cls(problem.kind, problem.detail, headers, dict(problem.members))

    def problem(self, *, replayed: bool) -> Problem:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        return Problem(
            self.kind, self.detail, headers=[*headers, REPLAYED] if replayed else headers, members=self.members
        )


Outcome = Answer | Refusal
OUTCOME: msgspec.json.Decoder[Outcome] = msgspec.json.Decoder(Outcome)
Effect = Callable[[Connection], Awaitable[Answer]]


async def once(
    database: Database, claim: Claim, effect: Effect, *, now: Callable[[], int], refusals: Collection[Kind] = ()
) -> tuple[Answer, bool]:
    """The answer of `effect`, and whether it is a replay; `now` gives milliseconds since 1970.

    A Problem of one of the kinds in `refusals` undoes the effect, and is recorded and raised again as it was (with
    REPLAYED among its headers). Anything else that is raised leaves no trace, so that the next request tries again. One
    that meets the first still running waits for it; when the deadline comes before, that is a Problem: IN_FLIGHT.
    SQLite can't tell whose write it waited for, so there another's long write is IN_FLIGHT too. Raises MISMATCH.
    """
    claimed = False
    try:
        async with database.write() as connection:
            replayed = not await _claim(connection, claim, now())
            claimed = True
            if replayed:
                outcome = await _recall(connection, claim)
            else:
                outcome = await _attempt(connection, effect, refusals)
                await connection.execute(RECORD, *claim.identity, msgspec.json.encode(outcome).decode())
    except DatabaseBusy as busy:
        if claimed:
            raise
        raise Problem(IN_FLIGHT, retry_after=1) from busy
    if isinstance(outcome, Refusal):
        raise outcome.problem(replayed=replayed)
    return outcome, replayed


async def _claim(connection: Connection, claim: Claim, now: int) -> bool:
    return await connection.execute(CLAIM, *claim.identity, claim.fingerprint, now, now - KEPT_MS) == 1


async def _recall(connection: Connection, claim: Claim) -> Outcome:
    row = await connection.fetch_one(RECALL, *claim.identity)
    if row is None:
        raise DatabaseBusy  # purged since it was in the way of the claim
    if row["fingerprint"] != claim.fingerprint:
        raise Problem(MISMATCH)
    return OUTCOME.decode(row["outcome"])


async def _attempt(connection: Connection, effect: Effect, refusals: Collection[Kind]) -> Outcome:
    await connection.execute("SAVEPOINT effect")
    try:
        return await effect(connection)
    except Problem as problem:
        if problem.kind not in refusals or problem.kind.status >= 500:
            raise
        await connection.execute("ROLLBACK TO SAVEPOINT effect")
        return Refusal.of(problem)


async def purge(database: Database, older_than_ms: int) -> int:
    """Removes what was recorded at or before this moment (milliseconds since 1970), in small batches; returns how many.

    Call it with `now - KEPT_MS`: an older record counts as absent anyway.
    """
    total = 0
    while True:
        async with database.write() as connection:
            removed = await connection.execute(PURGE, older_than_ms, BATCH)
        total += removed
        if removed < BATCH:
            return total


def fingerprint(body: bytes) -> str:
    """SHA-256 of a request's body, in hex."""
    return sha256(body).hexdigest()


Key = Annotated[  # bare
    str, msgspec.Meta(pattern=r"^[!#-+\--:<-\[\]-~]{1,255}\Z", examples=["8f0c3a52-order"])
]


def parse_key(lines: list[str]) -> str:
    """The key, 1 to 255 visible characters: a string in quotes (RFC 9651, section 3.3.3), or bare as most clients do.

    Both spellings of a key are one key. `lines` are the values of all fields of that name; of two, another reader might
    take the other. Raises Problem: KEY_MISSING, MALFORMED.
    """
    if not lines:
        raise Problem(KEY_MISSING)
    if len(lines) > 1:
        raise Problem(MALFORMED, "Idempotency-Key is said twice.")
    found = re.fullmatch(
        r'[ \t]*(?:"(?P<quoted>(?:[!#-\[\]-~]|\\["\\])*)"|(?P<bare>[!#-+\--:<-\[\]-~]*))[ \t]*', lines[0]
    )
    key = "" if found is None else found["bare"] or re.sub(r"\\(.)", r"\1", found["quoted"] or "")
    if not 1 <= len(key) <= 255:
        raise Problem(MALFORMED, "Idempotency-Key is not a string of 1 to 255 visible characters.")
    return key
