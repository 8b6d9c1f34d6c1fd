"""runtime/http/refusal.py: a problem without a framework."""

import json

import pytest

from runtime.http.problem import DRAINING, Problem
from runtime.http.refusal import refuse
from tests.calls import Server, scope


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_it_is_whole_and_knows_what_was_asked(method: str) -> None:
    server = Server()
    await refuse(
        Problem(DRAINING, retry_after=1), scope(method, "/things", b"", (b"x-request-id", b"r-1")), server.send
    )
    problem = Problem(DRAINING).body("/things", "r-1")
    assert (server.status, server.complete, server.body) == (503, True, problem if method == "GET" else b"")
    assert dict(server.headers) == {
        b"content-type": b"application/problem+json",
        b"content-length": b"%d" % len(problem),
        b"retry-after": b"1",
    }
    assert json.loads(problem)["type"] == "/problems/draining"
