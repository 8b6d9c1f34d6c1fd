"""deploy/chaos/odd.py: the odd service says what its cases are, and what a gateway makes of that is judged."""

import asyncio

import pytest

from deploy.chaos import odd
from deploy.chaos.offences import Offence, answer, head
from tests.ports import free_port


@pytest.mark.parametrize(("case", "said"), [("well", odd.WELL), ("nul", odd.CASES["nul"]), ("silent", b"")])
async def test_a_path_names_what_is_said(case: str, said: bytes) -> None:
    port = free_port()
    async with await asyncio.start_server(odd.serve, "127.0.0.1", port):
        assert await answer(Offence(case, head(b"GET /odd/" + case.encode()), 0), "127.0.0.1", port) == said


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nProxy-Status: portico; error=http_protocol_error\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok", True),
        (b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n", False),
        (b"HTTP/1.1 504 Gateway Timeout\r\nProxy-Status: portico; error=http_response_timeout\r\n\r\n", False),
        (b"", False),
    ],
)
def test_of_an_odd_answer_a_gateway_makes_its_own_or_passes_it_on(said: bytes, right: bool) -> None:  # noqa: FBT001  a parameter
    assert (odd.amiss(said) == "") is right
