"""Who may call a route from a page: what browsers are told, and that nobody else is."""

import pytest

from functions.gateway.exchange import Exchange, Header, Response
from functions.gateway.stages.cors import HEADERS, Pages, asked_for, cors
from runtime.http.problem import PREFLIGHT_REFUSED, Problem
from tests.exchanges import Below, exchange

SHOP = (b"origin", b"https://shop.example")
STRANGER = (b"origin", b"https://evil.example")
ASKS = (b"access-control-request-method", b"PUT")
OWN = Pages.of(["https://shop.example", "http://localhost:5173"], credentials=True, longest=600.0)
ANYBODY = Pages.of(["*"])


async def answered(pages: Pages, *headers: Header, method: bytes = b"GET") -> tuple[Exchange, Response]:
    asked = exchange(method, headers=headers)
    return asked, await cors(pages)(Below())(asked)


async def refused(pages: Pages, *headers: Header) -> tuple[Exchange, Problem]:
    asked, below = exchange(b"OPTIONS", headers=headers), Below()
    with pytest.raises(Problem) as raised:
        await cors(pages)(below)(asked)
    assert raised.value.kind is PREFLIGHT_REFUSED
    assert below.seen == []
    return asked, raised.value


async def test_a_page_that_may_read_an_answer_is_told_so() -> None:
    asked, _ = await answered(OWN, SHOP)
    assert (b"access-control-allow-origin", b"https://shop.example") in asked.told
    assert (b"access-control-allow-credentials", b"true") in asked.told
    assert b"X-Request-Id" in dict(asked.told)[b"access-control-expose-headers"]


@pytest.mark.parametrize(
    "origins",
    [
        [],
        [STRANGER],
        [(b"origin", b"null")],
        [(b"origin", b"https://shop.example.evil.example")],
        [(b"origin", b"https://SHOP.example")],
        [(b"origin", b"https://shop.example/")],
        [(b"origin", b"http://shop.example")],
        [SHOP, SHOP],
        [STRANGER, SHOP],
    ],
    ids=str,
)
async def test_any_other_is_answered_and_may_not_read_it(origins: list[Header]) -> None:
    asked, response = await answered(OWN, *origins)
    assert response.status == 200  # a request of the same origin has an Origin, too
    assert asked.told == [(b"vary", b"origin")]


async def test_an_answer_for_everybody_is_the_same_for_everybody() -> None:
    told = [(await answered(ANYBODY, *headers))[0].told for headers in ([], [SHOP], [STRANGER])]
    assert told[0] == told[1] == told[2]
    assert told[0][0] == (b"access-control-allow-origin", b"*")
    assert b"vary" not in dict(told[0])


async def test_a_refusal_can_be_read_by_a_page_too() -> None:
    asked = exchange(headers=[SHOP])
    with pytest.raises(Problem):
        await cors(OWN)(Below(Problem(PREFLIGHT_REFUSED)))(asked)
    assert (b"access-control-allow-origin", b"https://shop.example") in asked.told


async def test_what_a_function_says_of_it_is_taken_out() -> None:
    async def loose(_: Exchange) -> Response:
        return Response(200, [(b"access-control-allow-origin", b"*"), (b"etag", b'"1"')])

    assert (await cors(OWN)(loose)(exchange())).headers == [(b"etag", b'"1"')]


async def test_a_preflight_is_answered_here() -> None:
    wanted = (b"access-control-request-headers", b"authorization, If-Match,accept")
    asked, response = await answered(OWN, SHOP, ASKS, wanted, method=b"OPTIONS")
    assert response.status == 204
    assert dict(response.headers) == {
        b"access-control-allow-methods": b"PUT",
        b"access-control-allow-headers": b"authorization, if-match, accept",
        b"access-control-allow-credentials": b"true",
        b"access-control-max-age": b"600",
        b"vary": b"access-control-request-method, access-control-request-headers",
    }
    assert asked.told == [(b"vary", b"origin"), (b"access-control-allow-origin", b"https://shop.example")]


async def test_nothing_below_sees_a_preflight() -> None:
    below = Below()
    await cors(ANYBODY)(below)(exchange(b"OPTIONS", headers=[STRANGER, ASKS]))
    assert below.seen == []


async def test_a_preflight_of_a_page_that_may_not_is_refused() -> None:
    asked, _ = await refused(OWN, STRANGER, ASKS)
    assert b"access-control-allow-origin" not in dict(asked.told)


async def test_a_preflight_is_told_which_headers_it_may_not_send() -> None:
    _, problem = await refused(ANYBODY, ASKS, (b"access-control-request-headers", b"authorization,x-mine, x-\xe9"))
    assert problem.detail.endswith("x-mine, x-\u00e9.")


async def test_what_is_asked_for_again_and_again_is_told_once() -> None:
    """Three lines of 14 kB were an answer of 42 kB, which to nginx was a broken gateway."""
    wanted = (b"access-control-request-headers", b",".join([b"If-Match", b"authorization", b"if-match "] * 500))
    _, response = await answered(ANYBODY, SHOP, ASKS, wanted, wanted, wanted, method=b"OPTIONS")
    assert dict(response.headers)[b"access-control-allow-headers"] == b"if-match, authorization"


async def test_a_refusal_repeats_little_of_what_was_asked_for() -> None:
    wanted = (b"access-control-request-headers", b",".join(b"x-%05d%b" % (number, b"y" * 99) for number in range(140)))
    _, problem = await refused(ANYBODY, ASKS, wanted)
    assert "x-00000" in problem.detail
    assert problem.detail.endswith(", and 130 more.")
    assert len(problem.detail) < 1000


@pytest.mark.parametrize("names", [["X-Mine"], list(HEADERS)])
async def test_a_route_says_which_headers_pages_may_send(names: list[str]) -> None:
    pages = Pages.of(["*"], headers=names)
    wanted = (b"access-control-request-headers", ",".join(names).lower().encode())
    assert (await answered(pages, ASKS, wanted, method=b"OPTIONS"))[1].status == 204
    await refused(pages, ASKS, (b"access-control-request-headers", b"x-other"))


async def test_a_route_says_which_headers_pages_may_read() -> None:
    asked, _ = await cors_exposing("X-Mine")
    assert dict(asked.told)[b"access-control-expose-headers"] == b"X-Mine, WWW-Authenticate, X-Request-Id"


async def cors_exposing(*names: str) -> tuple[Exchange, Response]:
    return await answered(Pages.of(["*"], expose=names))


@pytest.mark.parametrize(("said", "method"), [([], ""), ([ASKS], "PUT"), ([ASKS, ASKS], "PUT, PUT")])
def test_a_preflight_asks_about_one_method(said: list[Header], method: str) -> None:
    assert asked_for(said) == method


def test_head_is_asked_about_as_get() -> None:
    assert asked_for([(b"access-control-request-method", b"HEAD")]) == "GET"
