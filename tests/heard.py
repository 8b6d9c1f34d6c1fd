"""Secrets that tests send and are given, and which lines of a log hold any of them: there should be none.

In: what goes over httpx, the files of a stack's secrets, and logs. Out: faults that name the kind of secret and show
its beginning only. What looks like one of ours is found also where nobody heard of it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

MEMBERS = ("password", "access_token", "refresh_token", "key")  # of bodies, whichever way they go
SHAPES = {
    "a token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}"),
    "an API key": re.compile(r"\bportico_[\w-]{43}"),
    "a private key": re.compile(r"PRIVATE KEY|\bMC4CAQAwBQYDK2VwBCIE[\w+/]{10,}"),
    "a password's hash": re.compile(r"\$argon2id\$v=19\$[\w=,]+\$[\w+/]{10,}"),
}

_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")  # what random secrets are made of; dots, slashes and blanks come between
_SHOWN = 6  # characters


class Heard:
    """`words` are random and long, `phrases` what a person could have chosen."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.phrases: set[str] = set()

    def note(self, secret: str) -> None:
        """A log must not hold it."""
        words = _WORD.findall(secret)
        self.words.update(words)
        if not words:
            self.phrases.add(secret)

    def note_files(self, folder: Path) -> None:
        """All that the files below hold and that looks random; the rest is the language of their programs."""
        for file in folder.rglob("*"):
            words = _WORD.findall(file.read_text()) if file.is_file() else ()
            self.words.update(word for word in words if re.search(r"[0-9]", word) and re.search(r"[A-Z]", word))

    def listen(self, request: httpx.Request, answer: httpx.Response) -> None:
        """Notes the credentials of both. A stream is left alone."""
        credentials = request.headers.get("authorization", "").partition(" ")[2]
        for secret in (credentials, *_members(request), *_members(answer)):
            if len(secret) >= 8:
                self.note(secret)

    def found_in(self, log: str) -> list[str]:
        """What each line that holds a secret holds."""
        faults = [f"{kind}: {match[0][:_SHOWN]}…" for kind, shape in SHAPES.items() for match in shape.finditer(log)]
        words = self.words.intersection(_WORD.findall(log))
        phrases = (phrase for phrase in self.phrases if phrase in log or json.dumps(phrase)[1:-1] in log)
        return faults + [f"a secret that was sent or given: {secret[:_SHOWN]}…" for secret in (*words, *phrases)]


@contextmanager
def listening() -> Iterator[Heard]:
    """To every client of httpx, for the length of the block."""
    heard = Heard()
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def heard_send(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401  handed on as they came
        answer = send(client, request, **options)
        heard.listen(request, answer)
        return answer

    async def heard_send_async(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401  see above
        answer = await send_async(client, request, **options)
        heard.listen(request, answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", heard_send)
        patch.setattr(httpx.AsyncClient, "send", heard_send_async)
        yield heard


@pytest.fixture(scope="session")
def heard() -> Iterator[Heard]:
    """Every secret that a test of this run sends or is given."""
    with listening() as heard:
        yield heard


def _members(message: httpx.Request | httpx.Response) -> Iterator[str]:
    try:
        told = json.loads(message.content)
    except (ValueError, RecursionError, httpx.StreamError):
        return
    for name in MEMBERS if isinstance(told, dict) else ():
        if isinstance(told.get(name), str):
            yield told[name]
