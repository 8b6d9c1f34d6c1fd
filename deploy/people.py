"""Who `just call` calls as: people with accounts of their own, registered and logged in as they are needed.

In: a name. Out: an access token. What must not be forgotten, their passwords included, is in a file for each, which
only its owner may read. An account that is no longer there, as after `just down --data`, is made again.
"""

import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from deploy.engine import Refusal
from deploy.local.secrets import keep

ADMIN = "admin"

_NAME = re.compile(r"[a-z0-9-]{1,30}")
_MARGIN = 10.0  # seconds that a token must be good for, to be used once more


class Person(msgspec.Struct):
    """What is known of one; `until`: when the token ends, in seconds since 1970."""

    email: str
    password: str
    token: str = ""
    until: float = 0.0


class People:
    """Those of one stack, in files below `folder`. `promote` makes the owner of an email an admin."""

    def __init__(
        self,
        client: httpx.Client,
        folder: Path,
        promote: Callable[[str], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._folder = folder
        self._promote = promote
        self._clock = clock

    def token(self, name: str, *, fresh: bool = False) -> str:
        """One that is good now; `fresh`: of a login of this moment. Raises Refusal when none is to be had."""
        if not _NAME.fullmatch(name):
            raise Refusal(f"Nobody can be called {name!r}: write 1 to 30 lower-case letters, digits and hyphens.")
        person = self._remembered(name)
        if person and not fresh and person.until > self._clock() + _MARGIN:
            return person.token
        return self._logged_in(name, person) if person else self._logged_in(name, self._registered(name))

    def _remembered(self, name: str) -> Person | None:
        try:
            return msgspec.json.decode(self._file(name).read_bytes(), type=Person)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError:
            raise Refusal(f"{self._file(name)} can't be read: delete it, and {name} is registered anew.") from None

    def _logged_in(self, name: str, person: Person) -> str:
        answer = self._ask("/sessions", {"email": person.email, "password": person.password}, 201, 401)
        if answer.status_code == 401:
            person = self._registered(name)
            answer = self._ask("/sessions", {"email": person.email, "password": person.password}, 201)
        session = answer.json()
        person.token, person.until = session["access_token"], self._clock() + session["expires_in"]
        self._keep(name, person)
        return person.token

    def _registered(self, name: str) -> Person:
        person = Person(f"{name}-{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(24))
        self._ask("/users", {"email": person.email, "name": name, "password": person.password}, 201)
        if name == ADMIN:
            self._promote(person.email)
        self._keep(name, person)
        return person

    def _ask(self, path: str, body: dict[str, Any], *expected: int) -> httpx.Response:
        answer = self._client.post(path, json=body)
        if answer.status_code not in expected:
            said = f"{answer.status_code} {answer.text[:200]}".strip()
            raise Refusal(f"There is no login to be had, as POST {path} is answered with {said}: try --anonymous.")
        return answer

    def _keep(self, name: str, person: Person) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        keep(self._file(name), msgspec.json.encode(person).decode())

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"
