"""Every forged token over HTTP, at a real gateway and at the real users past it: refused, and only the log says why."""

from functools import partial

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.contract.functions.gateway.house import ANN, House, logged_in
from tests.contract.functions.gateway.town import Served, until
from tests.forgeries import Forger, Forgery

DETAILS = {"The token is not valid.", "The token is not valid yet.", "The token has expired."}


@pytest.mark.parametrize("server", ["gateway", "users"])
async def test_every_forgery_is_refused_and_only_the_log_knows_why(
    server: str, house: House, person: httpx.AsyncClient
) -> None:
    users = house.start("users")
    at = users if server == "users" else house.start("gateway")
    assert (await person.post(f"{at.url}/users", json=ANN)).status_code == 201
    forger = await _forger(house, person, at)
    assert (await _asked(person, at, forger.good, "good")).status_code == 200
    for number, forgery in enumerate(forger.all()):
        await until(partial(_refused, person, at, forgery, f"forgery-{number}"))
    assert (await _asked(person, at, forger.good, "good")).status_code == 200


async def _forger(house: House, person: httpx.AsyncClient, at: Served) -> Forger:
    """Who has stolen even the issuer's key, and the claims of a token that is good."""
    bearer, _ = await logged_in(person, at)
    claims = jwt.decode(bearer["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    key = load_pem_private_key((house.keys / "one.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return Forger(key, "one", claims)


async def _asked(person: httpx.AsyncClient, at: Served, token: str, name: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "X-Request-Id": name}
    return await person.get(f"{at.url}/users/me", headers=headers)


async def _refused(person: httpx.AsyncClient, at: Served, forgery: Forgery, name: str) -> bool:
    """Whether the log has told why: of many a second it leaves some out, so it is asked again until then."""
    answer = await _asked(person, at, forgery.token, name)
    assert answer.status_code == 401, forgery.name
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json().keys() == {"type", "title", "status", "detail", "instance", "request_id"}
    assert answer.json()["detail"] in DETAILS
    told = [line for line in at.log if f'"{name}"' in line and "token refused" in line]
    assert all(forgery.why in msgspec.json.decode(line)["why"] for line in told), forgery.name
    assert not any(forgery.token in line for line in at.log)
    return bool(told)
