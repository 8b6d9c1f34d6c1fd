"""What the gateway asks for itself: whole documents, or a problem and nothing worse."""

import pytest

from functions.gateway import asking
from functions.gateway.asking import ask
from functions.gateway.edge import Served
from functions.gateway.exchange import Exchange, Handler, Response
from functions.gateway.stages.forward.errors import ConnectionBroken
from runtime.http.problem import DEPENDENCY_UNAVAILABLE, UNREACHABLE, Kind, Problem
from tests.calls import Stream
from tests.exchanges import Below, route


def served(handler: Handler) -> Served:
    return route("GET /document", auth="public"), handler


def answering(response: Response) -> Served:
    async def answer(_: Exchange) -> Response:
        return response

    return served(answer)


async def refusal(asked: Served) -> Kind:
    with pytest.raises(Problem) as raised:
        await ask(asked, "/document")
    return raised.value.kind


async def test_a_document_that_came_at_once() -> None:
    assert await ask(answering(Response(200, [], b"{}")), "/document") == b"{}"


async def test_a_document_that_came_in_parts_is_whole_and_lets_go_of_its_connection() -> None:
    stream = Stream(b"b", b"c", b"")
    assert await ask(answering(Response(200, [], b"a", stream)), "/document") == b"abc"
    assert stream.closed


async def test_it_asks_as_a_client_would() -> None:
    below = Below()
    await ask(served(below), "/document?since=1")
    assert (below.seen[0].method, below.seen[0].target) == (b"GET", b"/document?since=1")


async def test_an_answer_that_is_no_document() -> None:
    assert await refusal(answering(Response(500, [], b"oh"))) is DEPENDENCY_UNAVAILABLE


async def test_a_document_that_broke_off_in_the_middle() -> None:
    stream = Stream(b"b", then=ConnectionBroken("closed"))
    assert await refusal(answering(Response(200, [], b"a", stream))) is DEPENDENCY_UNAVAILABLE
    assert stream.closed


async def test_a_function_that_is_away_is_a_problem_already() -> None:
    assert await refusal(served(Below(Problem(UNREACHABLE)))) is UNREACHABLE


async def test_what_is_too_large_to_be_a_document_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST", 3)
    stream = Stream(b"bc", b"d", b"never read", b"")
    assert await refusal(answering(Response(200, [], b"a", stream))) is DEPENDENCY_UNAVAILABLE
    assert stream.closed
