"""The public keys of whoever signs tokens: a URL goes in, what fetches the JWK set (RFC 7517) from it comes out.

It is asked now and then, and for a key that is not known, never at start, so a function starts while the signer is
down. It keeps nothing and does not look into the set: the verifier does.
"""

import asyncio
from http.client import HTTPException, HTTPResponse
from time import monotonic
from urllib.request import ProxyHandler, Request, build_opener

from runtime.identity.verifier import FetchKeys

PATIENCE = 2.0  # seconds for each step of the exchange
LONGEST = 4.0  # seconds that a document may come for
LARGEST = 1024**2  # bytes of it

_DIRECT = build_opener(ProxyHandler({}))  # a proxy of the environment is for the world outside, and keys are inside


def from_url(url: str) -> FetchKeys:
    """What fetches the set at `url` ("http://…"). It raises OSError when there is no answer, or not a 200."""

    async def fetch() -> bytes:
        return await asyncio.to_thread(_get, url)

    return fetch


def _get(url: str) -> bytes:
    asked = Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310  the operator's URL
    try:
        with _DIRECT.open(asked, timeout=PATIENCE) as answer:
            return _read(answer, url)
    except HTTPException as error:
        raise OSError(f"{url} gave a broken answer: {error!r}") from error


def _read(answer: HTTPResponse, url: str) -> bytes:
    """The whole of it. A thread can't be cancelled, so what drips in, or never ends, would hold one for good."""
    document, over = b"", monotonic() + LONGEST
    while part := answer.read1(LARGEST):
        document += part
        if len(document) > LARGEST or monotonic() > over:
            raise OSError(f"{url} gave an answer that is too long, or too slow")
    if answer.length:
        raise OSError(f"{url} broke its answer off")
    return document
