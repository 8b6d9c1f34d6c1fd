"""No answer for one principal is ever served to another: and variants that get it wrong are found out."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from functions.gateway.exchange import Exchange, Response
from functions.gateway.stages.cache import decision, entry, storable
from tests.unit.functions.gateway.stages.cache.heads import head
from tests.unit.functions.gateway.stages.cache.origin import Cached, body

CONTROLS = (
    "max-age=60",
    "max-age=60, public",
    "max-age=60, private",
    "max-age=60, no-store",
    "max-age=60, must-revalidate",
    "s-maxage=60",
    "max-age=0, public",
    "max-age=60, no-cache",
    'max-age=60, private="x-mine"',
    "max-age=0, public, stale-while-revalidate=60, stale-if-error=60",
)
VARIES = (None, "Authorization", "Cookie", "cookie, AUTHORIZATION", "Accept", "*")
ETAGS = (None, '"same"')


@dataclass(frozen=True)
class Request:
    """Who asks, by token and by cookie, how impatiently, and what the function says to it."""

    token: str | None
    cookie: str | None
    wants: str | None
    control: str
    vary: str | None
    etag: str | None
    later: int  # seconds after the one before

    @property
    def lines(self) -> list[str]:
        said = {"Authorization": self.token, "Cookie": self.cookie, "Cache-Control": self.wants}
        return [f"{name}: {value}" for name, value in said.items() if value is not None]


requests = st.builds(
    Request,
    token=st.sampled_from([None, "ann", "bob"]),
    cookie=st.sampled_from([None, "ann", "bob"]),
    wants=st.sampled_from([None, None, "no-cache", "max-stale=100", "max-age=0"]),
    control=st.sampled_from(CONTROLS),
    vary=st.sampled_from(VARIES),
    etag=st.sampled_from(ETAGS),
    later=st.sampled_from([0, 30, 70]),
)


def may_share(told: Request, asks: Request) -> bool:
    """Whether what was told to one may be served to the other (RFC 9111, sections 3, 3.5, 4.1, 5.2.2), in few words."""
    words = [word.strip() for word in told.control.split(",")]
    if "private" in words or "no-store" in words:
        return False
    if told.token is not None and not any(word in words for word in ("public", "must-revalidate", "s-maxage=60")):
        return False
    names = {name.strip().lower() for name in (told.vary or "").split(",")}
    return not (
        "*" in names
        or ("authorization" in names and told.token != asks.token)
        or ("cookie" in names and told.cookie != asks.cookie)
    )


class Function:
    """Answers each with the number of the request; who has what it would say is told so."""

    def __init__(self, story: list[Request]) -> None:
        self._story = story

    async def __call__(self, asked: Exchange) -> Response:
        number = int(dict(asked.headers)[b"x-number"])
        request = self._story[number]
        said = {"Cache-Control": request.control, "Vary": request.vary, "ETag": request.etag}
        lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
        known = dict(asked.headers).get(b"if-none-match", b"").decode()
        if request.etag is not None and request.etag in known:
            return Response(304, head(*lines))
        return Response(200, head(*lines), b"%d" % number)


async def told(story: list[Request]) -> list[tuple[Request, Request]]:
    """Of each request: who got it, and to whom the function had told it first."""
    cached = Cached(Function(story))
    found = []
    for number, request in enumerate(story):
        cached.now += request.later
        answer = await cached.get(*request.lines, f"X-Number: {number}")
        found.append((request, story[int(await body(answer))]))
    await cached.fills.close()
    return found


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,  # so that a broken variant is found out each time, or never
    database=None,
    phases=[Phase.generate],  # a shorter story is not worth the time
    report_multiple_bugs=False,
)
@given(st.lists(requests, min_size=2, max_size=5))
def law(story: list[Request]) -> None:
    """Whoever asked something is the only one to get it, or it may be shared."""
    for asks, first in asyncio.run(told(story)):
        assert asks is first or may_share(first, asks), (first, asks)


def test_no_answer_for_one_principal_is_served_to_another() -> None:
    law()


def test_a_cache_that_ignores_vary_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (decision, entry):
        monkeypatch.setattr(module, "selecting", lambda _names, host, _headers: host)
    with pytest.raises(AssertionError):
        law()


def test_a_cache_that_ignores_who_is_asking_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "PERSONAL", frozenset())
    with pytest.raises(AssertionError):
        law()


def test_a_cache_without_the_rule_about_authorization_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storable, "_for_everyone", lambda _said: True)
    with pytest.raises(AssertionError):
        law()
