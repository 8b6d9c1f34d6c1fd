"""A signer of access tokens for tests: its keys on a real server, and tokens that say what a test needs."""

import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm


class Signer:
    """One Ed25519 key, by the name `kid`."""

    def __init__(self, kid: str = "a-key") -> None:
        self._key = Ed25519PrivateKey.generate()
        self._kid = kid

    @property
    def key_set(self) -> bytes:
        """The JWK set (RFC 7517) that the tokens can be checked with."""
        public = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return msgspec.json.encode({"keys": [{**public, "kid": self._kid, "alg": "EdDSA", "use": "sig"}]})

    def token(self, **claims: object) -> str:
        """A token of user `ada`, a member, good for a minute; `claims` say what is different."""
        now = int(time.time())
        told: dict[str, Any] = {
            "iss": "portico",
            "aud": "portico",
            "sub": "ada",
            "sid": "a-session",
            "role": "member",
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
        }
        return jwt.encode(told | claims, self._key, algorithm="EdDSA", headers={"kid": self._kid})


def bearer(signer: Signer, user_id: str, role: str = "member") -> Mapping[str, str]:
    """The Authorization header of a user, good for the length of any test."""
    token = signer.token(sub=user_id, role=role, exp=int(time.time()) + 86400)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Who signs the tokens of this run."""
    return Signer()


@pytest.fixture(scope="session")
def jwks_url(signer: Signer) -> Iterator[str]:
    """Where a real server has the signer's keys."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(signer.key_set)))
            self.end_headers()
            self.wfile.write(signer.key_set)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
    server.shutdown()
    server.server_close()
