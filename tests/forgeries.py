"""Tokens that nobody may believe, by what is wrong with them, and the reason that the operator should find in the log.

Made by hand: a library would refuse to make most of them. What is signed with the issuer's own key shows that even its
owner's mistakes are not believed.
"""

import base64
import hashlib
import hmac
import json
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNATURE = "Signature verification failed"
UNKNOWN = "its key is not in the issuer's set"
ALGORITHM = "its algorithm is not EdDSA"
STRAY = "it is not canonical base64url"


class Forgery(NamedTuple):
    """`name` says what is wrong with `token`, `why` what the log should."""

    name: str
    token: str
    why: str


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def encoded(value: object) -> str:
    return b64(json.dumps(value).encode())


class Forger:
    """Who knows everything that is public, and in some cases the issuer's key; `claims` are of a good token."""

    def __init__(self, key: Ed25519PrivateKey, kid: str, claims: dict[str, object]) -> None:
        self._key = key
        self._kid = kid
        self._claims = claims
        self._public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._another = Ed25519PrivateKey.generate()

    @property
    def good(self) -> str:
        """The token that all the others want to be."""
        return self.signed(self._claims)

    def signed(self, claims: object, key: Ed25519PrivateKey | None = None, **header: object) -> str:
        return self.sealed(self._text(claims, **header), key or self._key)

    def sealed(self, text: str, key: Ed25519PrivateKey) -> str:
        return f"{text}.{b64(key.sign(text.encode()))}"

    def all(self) -> list[Forgery]:
        """Each of them."""
        return [*self._algorithms(), *self._keys(), *self._spellings(), *self._contents(), *self._times()]

    def _text(self, claims: object, **header: object) -> str:
        return f"{encoded({'alg': 'EdDSA', 'typ': 'JWT', 'kid': self._kid} | header)}.{encoded(claims)}"

    def _algorithms(self) -> list[Forgery]:
        return [
            *(
                Forgery(f"alg {alg}", self._text(self._claims, alg=alg) + ".", ALGORITHM)
                for alg in ("none", "nOnE", "")
            ),
            *(Forgery(f"alg {alg}", self.signed(self._claims, alg=alg), ALGORITHM) for alg in (None, 5, ["EdDSA"])),
            Forgery(
                "no alg", self.sealed(f"{encoded({'kid': self._kid})}.{encoded(self._claims)}", self._key), ALGORITHM
            ),
            *(
                Forgery(f"{size} with {what}", self._mac(size, secret), ALGORITHM)
                for size in ("HS256", "HS512")
                for what, secret in {"the key": self._public, "its PEM": self._pem, "nothing": b""}.items()
            ),
            Forgery("RS256", self._rsa(), ALGORITHM),
            Forgery("ES256", self._ecdsa(), ALGORITHM),
            Forgery("EdDSA as its curve", self.signed(self._claims, alg="Ed25519"), ALGORITHM),
        ]

    def _mac(self, alg: str, secret: bytes) -> str:
        text = self._text(self._claims, alg=alg)
        return f"{text}.{b64(hmac.digest(secret, text.encode(), getattr(hashlib, f'sha{alg[2:]}')))}"

    def _rsa(self) -> str:
        text = self._text(self._claims, alg="RS256")
        key = rsa.generate_private_key(65537, 2048)
        return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"

    def _ecdsa(self) -> str:
        text = self._text(self._claims, alg="ES256")
        return f"{text}.{b64(ec.generate_private_key(ec.SECP256R1()).sign(text.encode(), ec.ECDSA(SHA256())))}"

    def _keys(self) -> list[Forgery]:
        own = {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": b64(self._another.public_key().public_bytes_raw()),
            "kid": self._kid,
        }
        theirs = self._another
        elsewhere = "https://evil.example/keys"
        return [
            Forgery("another key under our kid", self.signed(self._claims, theirs), SIGNATURE),
            Forgery("embedded jwk", self.signed(self._claims, theirs, jwk=own), SIGNATURE),
            Forgery("jku", self.signed(self._claims, theirs, jku=elsewhere), SIGNATURE),
            Forgery("x5u", self.signed(self._claims, theirs, x5u=elsewhere), SIGNATURE),
            Forgery("x5c", self.signed(self._claims, theirs, x5c=[own["x"]]), SIGNATURE),
            Forgery("jwk and a kid of its own", self.signed(self._claims, theirs, jwk=own, kid="mine"), UNKNOWN),
            *(
                Forgery(f"kid {kid!r}", self.signed(self._claims, kid=kid), UNKNOWN)
                for kid in ("", "wrong", f"../{self._kid}", f"{self._kid}.pem", f"{self._kid}\0", "x' OR '1'='1")
            ),
            *(
                Forgery(f"kid {kid!r}", self.signed(self._claims, kid=kid), "it names no key")
                for kid in (None, 5, [self._kid])
            ),
        ]

    def _spellings(self) -> list[Forgery]:
        header, claims, signature = self.good.split(".")
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        twin = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]  # the same bytes to a lax decoder
        changed = encoded(self._claims | {"role": "admin"})
        return [
            Forgery("claims changed", f"{header}.{changed}.{signature}", SIGNATURE),
            Forgery("signature stripped", f"{header}.{claims}.", "its signature has not the length of one"),
            Forgery("signature and its dot stripped", f"{header}.{claims}", "it does not have three parts"),
            Forgery("signature cut", f"{header}.{claims}.{signature[:-2]}", "its signature has not the length of one"),
            Forgery(
                "signature longer", f"{header}.{claims}.{signature}AAAA", "its signature has not the length of one"
            ),
            Forgery("signature of zeros", f"{header}.{claims}.{'A' * 86}", SIGNATURE),
            Forgery("signature padded", f"{header}.{claims}.{signature}==", STRAY),
            Forgery("header padded", f"{header}=.{claims}.{signature}", STRAY),
            Forgery("stray bits", f"{header}.{claims}.{twin}", STRAY),
            Forgery("alphabet of base64", f"{header}.{claims}.{'+/' * 43}", STRAY),
            Forgery("a line end within", f"{header}.{claims}.{signature[:40]}%0A{signature[40:]}", STRAY),
            Forgery("a fourth part", f"{self.good}.{signature}", "it does not have three parts"),
            Forgery("a token in a token", f"{b64(self.good.encode())}.{claims}.{signature}", "it is not JSON"),
            Forgery("huge", f"{header}.{'A' * 4096}.{signature}", "it is too long, or not ASCII"),
            Forgery("nested", self.sealed(f"{header}.{b64(b'[' * 2700)}", self._key), "it is not JSON"),
        ]

    def _contents(self) -> list[Forgery]:
        header = self.good.partition(".")[0]
        text = json.dumps(self._claims)[:-1]
        twice = b64(f'{text}, "role": "admin"}}'.encode())
        infinite = b64(f'{text}, "nbf": Infinity}}'.encode())
        wrong = {
            "iss": "elsewhere",
            "aud": "elsewhere",
            "sub": 5,
            "sid": None,
            "role": ["admin"],
            "exp": "soon",
            "iat": True,
            "nbf": {},
            "auth_time": 1.5,
        }
        twofold = b64(f'{{"alg": "EdDSA", "alg": "none", "kid": "{self._kid}"}}'.encode())
        return [
            Forgery("duplicate claims", self.sealed(f"{header}.{twice}", self._key), "it says one thing twice"),
            Forgery(
                "duplicate alg",
                self.sealed(f"{twofold}.{encoded(self._claims)}", self._key),
                "it says one thing twice",
            ),
            *(
                Forgery(f"endless {claim}", self.signed(self._claims | {claim: 10**400}), "")
                for claim in ("exp", "iat", "nbf", "auth_time")
            ),
            *(
                Forgery(f"empty {claim}", self.signed(self._claims | {claim: ""}), "")
                for claim in ("sub", "sid", "role")
            ),
            *(
                Forgery(f"half a character in {claim}", self.signed(self._claims | {claim: "\ud800"}), "")
                for claim in ("sub", "sid", "role")
            ),
            Forgery("infinite", self.sealed(f"{header}.{infinite}", self._key), "it holds what is no number in JSON"),
            Forgery("claims that are a list", self.signed([self._claims]), "it is not an object"),
            Forgery("another type", self.signed(self._claims, typ="at+jwt"), "it is of another type"),
            Forgery(
                "critical extension",
                self.signed(self._claims, crit=["b64"], b64=False),
                "it asks for an extension that is not known",
            ),
            *(
                Forgery(f"{claim} is {value!r}", self.signed(self._claims | {claim: value}), "")
                for claim, value in wrong.items()
            ),
            *(
                Forgery(
                    f"no {claim}",
                    self.signed({name: value for name, value in self._claims.items() if name != claim}),
                    claim,
                )
                for claim in ("iss", "aud", "sub", "sid", "role", "iat", "exp", "jti")
            ),
        ]

    def _times(self) -> list[Forgery]:
        issued, expires = self._claims["iat"], self._claims["exp"]
        assert isinstance(issued, int)
        assert isinstance(expires, int)
        life = expires - issued
        return [
            Forgery("expired", self.signed(self._claims | {"exp": issued - 60}), "it has expired"),
            Forgery(
                "issued too early", self.signed(self._claims | {"iat": issued + 600 + life}), "it is not valid yet"
            ),
            Forgery("not yet valid", self.signed(self._claims | {"nbf": issued + 600 + life}), "it is not valid yet"),
        ]
