"""Makes an admin: `python -m functions.users.admin EMAIL`, in the environment of the function.

For an account that exists, it says since when and asks: who owns an address here need not be who was meant. It never
promotes without a yes; `--yes` is one, of who registered the account a moment ago. An address that nobody has may be
mistyped: an account is made for it with `--create` alone, whose password is printed once.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from difflib import get_close_matches

from functions.users import store
from functions.users.model import Email, NewUser, Password, User, new_user
from functions.users.passwords import Passwords
from functions.users.settings import Settings
from functions.users.tokens import random_token
from runtime import settings
from runtime.database import Database, DatabaseBusy, DatabaseUnavailable
from runtime.database.ids import uuid7
from runtime.instant import now_ms, rfc3339
from runtime.visible import visible

Ask = Callable[[str], bool]

ADMIN = "admin"

_LOOKED_AT = 10_000  # accounts, the newest, among which one with a similar address is looked for


class Unknown(ValueError):
    """Nobody has this address, and no account was asked for."""


async def make_admin(email: Email, database: Database, passwords: Passwords, ask: Ask, *, create: bool) -> str:
    """What to tell who ran it. Raises Unknown."""
    async with database.read() as connection:
        user = await store.user_by_email(connection, email.key)
    if user is not None:
        return await _promote(user, database, ask)
    if not create:
        raise Unknown(await _unknown(email, database))
    password = Password(random_token())
    asked = NewUser(email, email.partition("@")[0], password)
    user = new_user(uuid7(), asked, await passwords.hash(password), now_ms(), role=ADMIN)
    async with database.write() as connection:
        await store.add_user(connection, user)
    return f"{email} is an admin now. The password, shown this once: {str.__str__(password)}"


async def _unknown(email: Email, database: Database) -> str:
    async with database.read() as connection:
        there = await store.emails(connection, _LOOKED_AT)
    near = get_close_matches(email.key, there, cutoff=0.7)
    meant = f"did you mean {visible(' or '.join(near))}? " if near else ""
    return f"There is no account {email}: {meant}`just admin {email} --create` makes one."


async def _promote(user: User, database: Database, ask: Ask) -> str:
    account = f"{user.email} ({visible(user.name)}, {user.id}), here since {rfc3339(user.created_at)},"
    if user.role == ADMIN:
        return f"{account} is an admin already."
    if not ask(f"{account} is an ordinary account. Make its owner an admin? [y/N] "):
        return "Nothing was changed."
    now = now_ms()
    async with database.write() as connection:
        if not await store.change_user(connection, user.promoted(ADMIN, now)):
            return "The account was changed meanwhile: run this again."
        await store.end_sessions(connection, user.id, now)  # their tokens speak for the role that was
    return f"{user.email} is an admin now, and has to log in again."


async def _main(email: Email, ask: Ask, *, create: bool) -> str:
    options = settings.load(Settings, os.environ)
    database = await Database.open(str(options.database_url))
    passwords = Passwords.open(options)
    try:
        return await make_admin(email, database, passwords, ask, create=create)
    finally:
        passwords.close()
        await database.close()


def _yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def main(arguments: list[str]) -> str:
    """The command line's answer; ends the process with one sentence when something is wrong."""
    parser = argparse.ArgumentParser(prog="just admin", allow_abbrev=False)
    parser.add_argument("email")
    parser.add_argument("--create", action="store_true", help="make the account, if nobody has this address")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    options = parser.parse_args(arguments)
    ask = (lambda _question: True) if options.yes else _yes
    try:
        return asyncio.run(_main(Email.parse(options.email), ask, create=options.create))
    except ValueError as error:
        sys.exit(str(error))
    except (DatabaseBusy, DatabaseUnavailable) as error:
        sys.exit(error.detail)


if __name__ == "__main__":
    said = main(sys.argv[1:])
    (sys.stderr if "--yes" in sys.argv else sys.stdout).write(f"{said}\n")  # asked by a verb that has an answer to show
