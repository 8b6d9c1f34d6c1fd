"""The keys that tokens are checked with: asked of whichever function serves them, through its own pipeline."""

from collections.abc import Callable

from functions.gateway.asking import ask
from functions.gateway.edge import Served
from functions.gateway.table import Table
from runtime.http.problem import KEYS_UNAVAILABLE, Problem
from runtime.identity.verifier import FetchKeys

PATH = "/.well-known/jwks.json"


def keys_from(table: Callable[[], Table[Served]]) -> FetchKeys:
    """Fetches the JWK set. `table` is asked for late: its handlers use these keys.

    What is given back raises Problem when no function serves a set, or it can't be had.
    """

    async def fetch() -> bytes:
        served = table().find(PATH).get("GET")
        if served is None:
            raise Problem(KEYS_UNAVAILABLE)
        return await ask(served, PATH)

    return fetch
