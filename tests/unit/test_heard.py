"""tests/heard.py: what the tests of logs would find, so that it means something that they find nothing."""

from pathlib import Path

import httpx
import pytest

from runtime.identity import signing_keys
from tests.heard import Heard, listening
from tests.tokens import Signer

PASSWORD = 'correct "horse" battery'
KEY = "portico_" + "aZ-_" * 10 + "xyz"


@pytest.mark.parametrize(
    "secret",
    [
        Signer().token(),
        KEY,
        "-----BEGIN PRIVATE KEY-----",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2E$dGFn",
    ],
)
def test_what_looks_like_a_secret_is_found_though_nobody_heard_of_it(secret: str) -> None:
    (fault,) = Heard().found_in(f'{{"event":"request"}}\n{{"event":"oh: {secret}"}}\n')
    assert secret not in fault


def test_what_is_no_secret_is_not_found() -> None:
    log = '{"request_id":"5f2b6c1e9d0a47c8b3e1f6a7d8c9e0b1","target":"/users/0197a3c2-8c5e-7000-8000-000000000001"}'
    assert Heard().found_in(log) == []


@pytest.mark.parametrize("secret", ["p4ssw0rd-of-the-night", "Q" * 43, PASSWORD, "short one"])
@pytest.mark.parametrize("line", ["{}", 'x="{}"', "/path/{}/x", "?q={}&y"])
def test_what_was_heard_is_found(secret: str, line: str) -> None:
    heard = Heard()
    heard.note(secret)
    assert heard.found_in(line.format(secret))
    assert heard.found_in(line.format(secret.replace('"', '\\"')))
    assert not heard.found_in(line.format("another"))


def test_the_secrets_of_a_stack_are_read_from_its_files(tmp_path: Path) -> None:
    file = signing_keys.create(tmp_path / "signing", "one")
    password = "aB3_" * 11
    (tmp_path / "redis.conf").write_text(f"requirepass {password}\nclient-output-buffer-limit normal 0 0 0\n")
    heard = Heard()
    heard.note_files(tmp_path)
    assert heard.found_in(f"could not connect to redis://:{password}@127.0.0.1:6379/0")
    assert heard.found_in(file.read_text().splitlines()[1])
    assert not heard.found_in(f"could not read {file}: client-output-buffer-limit normal")


def answer(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(201, json={"access_token": "a" * 30, "refresh_token": "r" * 30, "items": [], "key": None})


def a_client() -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://portico.example")


def test_what_clients_send_and_get_is_heard_and_nothing_once_it_is_over() -> None:
    with listening() as heard, a_client() as client:
        client.post("/sessions", json={"email": "ann@example.org", "password": PASSWORD})
        client.get("/users/me", headers={"Authorization": f"Bearer {'b' * 30}"})
    assert (heard.words, heard.phrases) == ({letter * 30 for letter in "arb"}, {PASSWORD})
    with a_client() as client:
        client.get("/users/me", headers={"Authorization": f"Bearer {'c' * 30}"})
    assert "c" * 30 not in heard.words


async def test_so_is_what_clients_do_that_do_not_wait() -> None:
    transport = httpx.MockTransport(answer)
    with listening() as heard:
        async with httpx.AsyncClient(transport=transport, base_url="http://portico.example") as client:
            await client.post("/sessions/refresh", json={"refresh_token": "s" * 30})
    assert heard.words == {letter * 30 for letter in "ars"}
