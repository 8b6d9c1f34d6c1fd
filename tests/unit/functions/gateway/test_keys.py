"""Where the keys come from, and that a set which can't be had is a problem and nothing worse."""

import pytest

from functions.gateway.edge import Served
from functions.gateway.exchange import Exchange, Handler, Response
from functions.gateway.keys import PATH, keys_from
from functions.gateway.table import Table
from runtime.http.problem import KEYS_UNAVAILABLE, UNREACHABLE, Problem
from tests.exchanges import Below, route


def serving(handler: Handler, match: str = f"GET {PATH}") -> Table[Served]:
    return Table([route(match, auth="public")], lambda declared: (declared, handler))


def answering(response: Response) -> Table[Served]:
    async def answer(_: Exchange) -> Response:
        return response

    return serving(answer)


async def unavailable(table: Table[Served]) -> None:
    with pytest.raises(Problem) as raised:
        await keys_from(lambda: table)()
    assert raised.value.kind is KEYS_UNAVAILABLE


async def test_a_set_that_came_at_once() -> None:
    assert await keys_from(lambda: answering(Response(200, [], b"{}")))() == b"{}"


async def test_the_table_is_asked_for_when_a_set_is_wanted() -> None:
    def early() -> Table[Served]:
        raise AssertionError("asked before there was a table")

    keys_from(early)


async def test_it_asks_as_a_client_would() -> None:
    below = Below()
    await keys_from(lambda: serving(below))()
    assert (below.seen[0].method, below.seen[0].target) == (b"GET", PATH.encode())


async def test_nobody_serves_a_set() -> None:
    await unavailable(serving(Below(), "GET /things"))


async def test_a_set_is_not_posted() -> None:
    await unavailable(serving(Below(), f"POST {PATH}"))


async def test_a_function_that_is_away_is_a_problem_already() -> None:
    with pytest.raises(Problem) as raised:
        await keys_from(lambda: serving(Below(Problem(UNREACHABLE))))()
    assert raised.value.kind is UNREACHABLE
