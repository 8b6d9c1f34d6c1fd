"""The stage as its client sees it: hits, misses, who waits for whom, and that nothing of one client reaches another."""

import asyncio

import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.cache.keys import counting
from functions.gateway.stages.forward.stage import InstanceFailed
from runtime.http.problem import DEADLINE_EXCEEDED, UNREACHABLE, Problem
from tests.unit.functions.gateway.stages.cache.heads import date
from tests.unit.functions.gateway.stages.cache.origin import Cached, Origin, Parts, body, said, turn

PUBLIC = "Cache-Control: public, max-age=60"


async def test_the_second_request_never_reaches_the_function() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    first = await cached.get()
    assert said(first) == "portico; fwd=uri-miss; fwd-status=200; stored"
    assert await body(first) == b"0123456789"
    cached.now += 7
    second = await cached.get()
    assert (said(second), said(second, b"age")) == ("portico; hit; ttl=53", "7")
    assert await body(second) == b"0123456789"
    assert len(origin.seen) == origin.ended == 1


@pytest.mark.parametrize(
    ("scheme", "host"),
    [
        (b"http", "Portico.TEST"),
        (b"http", "portico.test:80"),
        (b"http", "portico.test:"),
        (b"https", "portico.test:443"),
    ],
)
async def test_the_function_is_asked_for_the_host_that_counts_as_all_who_spell_it_otherwise_get_that_answer(
    scheme: bytes, host: str
) -> None:
    cached = Cached(origin := Origin(PUBLIC))
    await body(await cached.get(host=host, scheme=scheme))
    assert [value for name, value in origin.seen[0].headers if name == b"host"] == [b"portico.test"]
    assert said(await cached.get(scheme=scheme)) == "portico; hit; ttl=60"


async def test_a_head_is_answered_from_what_a_get_brought() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    await body(await cached.get())
    answer = await cached.get(method=b"HEAD")
    assert (answer.status, await body(answer), len(origin.seen)) == (200, b"", 1)


async def test_who_wants_only_what_is_stored_is_told_when_it_is_not() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    with pytest.raises(Problem) as raised:
        await cached.get("Cache-Control: only-if-cached")
    assert (raised.value.kind.status, origin.seen) == (504, [])


async def test_who_wants_nothing_stored_goes_by() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    for _ in range(2):
        assert said(await cached.get("Cache-Control: no-store")) == "portico; fwd=request; fwd-status=200"
    assert len(origin.seen) == 2


async def test_what_is_stale_is_asked_about_and_the_answer_renews_it() -> None:
    cached = Cached(origin := Origin(PUBLIC, 'ETag: "a"'))
    await body(await cached.get())
    cached.now += 100
    origin.status, origin.body = 304, b""
    answer = await cached.get()
    assert said(answer) == "portico; fwd=stale; fwd-status=304; stored"
    assert await body(answer) == b"0123456789"
    assert (b"if-none-match", b'"a"') in origin.seen[1].headers
    assert said(await cached.get()) == "portico; hit; ttl=60"


async def test_a_304_about_something_else_is_followed_by_a_whole_answer() -> None:
    cached = Cached(origin := Origin(PUBLIC, 'ETag: "a"'))
    await body(await cached.get())
    cached.now += 100
    origin.lines, origin.status = (PUBLIC, 'ETag: "b"'), 304
    origin.ready.clear()
    (asking,) = await together(cached, times=1)
    origin.ready.set()
    while len(origin.seen) < 3:
        await turn(1)
    assert b"if-none-match" not in dict(origin.seen[2].headers)
    assert (await asking).status == 304


async def test_rfc5861_3_what_is_stale_is_served_while_one_fill_renews_it() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=10, stale-while-revalidate=60"))
    await body(await cached.get())
    cached.now += 20
    origin.ready.clear()
    for _ in range(3):
        assert said(await cached.get()) == "portico; hit; ttl=-10"
    origin.ready.set()
    await turn()
    assert said(await cached.get()) == "portico; hit; ttl=10"
    assert len(origin.seen) == 2


@pytest.mark.parametrize("error", [InstanceFailed(UNREACHABLE, sent=False), Problem(DEADLINE_EXCEEDED)])
async def test_rfc5861_4_what_is_stale_is_served_in_place_of_an_error(error: Problem) -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=10, stale-if-error=60"))
    await body(await cached.get())
    cached.now += 20
    origin.error = error
    answer = await cached.get()
    assert said(answer) == f"portico; hit; ttl=-10; detail=error-{error.kind.status}"
    cached.now += 100
    with pytest.raises(Problem):
        await cached.get()


async def test_rfc5861_4_an_answer_that_is_an_error_counts_as_one() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=10, stale-if-error=60"))
    await body(await cached.get())
    cached.now += 20
    origin.status = 503
    assert (answer := await cached.get()).status == 200
    assert said(answer) == "portico; fwd=stale; fwd-status=503"
    assert origin.ended == 2


Asking = list[asyncio.Task[Response]]


async def together(cached: Cached, *fields: str, times: int = 100) -> Asking:
    """So many clients, who all have asked."""
    asking = [asyncio.create_task(cached.get(*fields)) for _ in range(times)]
    await turn()
    return asking


async def answers(asking: Asking) -> list[Response]:
    return await asyncio.gather(*asking)


async def test_many_who_miss_at_once_make_one_request() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    origin.ready.clear()
    asking = await together(cached, times=1000)
    origin.ready.set()
    came = await answers(asking)
    assert {await body(answer) for answer in came} == {b"0123456789"}
    assert len(origin.seen) == 1
    assert [said(answer) for answer in came].count("portico; fwd=uri-miss; fwd-status=200; stored; collapsed") == 999


async def test_an_answer_that_turns_out_private_is_given_to_nobody_else() -> None:
    cached = Cached(origin := Origin("Cache-Control: private"))
    origin.per_request = lambda _: (f"X-Number: {len(origin.seen)}",)
    origin.ready.clear()
    asking = await together(cached)
    assert len(origin.seen) == 1
    origin.ready.set()
    numbers = [said(answer, b"x-number") for answer in await answers(asking)]
    assert len(set(numbers)) == len(origin.seen) == 100


async def test_after_a_private_answer_nobody_waits_for_somebody_elses() -> None:
    cached = Cached(origin := Origin("Cache-Control: private"))
    await body(await cached.get())
    origin.ready.clear()
    asking = await together(cached)
    assert len(origin.seen) == 101
    origin.ready.set()
    await answers(asking)


async def test_those_who_wait_get_only_what_they_select() -> None:
    cached = Cached(origin := Origin(PUBLIC, "Vary: Accept-Language"))
    origin.per_request = lambda asked: ("Content-Language: " + dict(asked.headers)[b"accept-language"].decode(),)
    origin.ready.clear()
    english, german = await together(cached, "Accept-Language: en"), await together(cached, "Accept-Language: de")
    origin.ready.set()
    assert {said(answer, b"content-language") for answer in await answers(english)} == {"en"}
    assert {said(answer, b"content-language") for answer in await answers(german)} == {"de"}
    assert len(origin.seen) == 2


async def test_each_who_waits_for_a_failure_has_a_problem_of_its_own() -> None:
    cached = Cached(origin := Origin())
    origin.error = InstanceFailed(UNREACHABLE, sent=False)
    origin.ready.clear()
    asking = await together(cached, times=3)
    origin.ready.set()
    problems = await asyncio.gather(*asking, return_exceptions=True)
    assert len({id(problem) for problem in problems}) == 3
    assert [isinstance(problem, Problem) and problem.kind for problem in problems] == [UNREACHABLE] * 3
    assert len(origin.seen) == 1


async def test_a_fill_outlives_the_client_that_started_it() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    origin.ready.clear()
    leader, follower = await together(cached, times=2)
    leader.cancel()
    await turn()
    origin.ready.set()
    (answer,) = await answers([follower])
    assert (await body(answer), len(origin.seen)) == (b"0123456789", 1)
    with pytest.raises(asyncio.CancelledError):
        await leader


async def test_what_nobody_may_share_is_closed_when_its_client_has_gone() -> None:
    cached = Cached(origin := Origin("Cache-Control: no-store"))
    origin.ready.clear()
    (leader,) = await together(cached, times=1)
    leader.cancel()
    await turn()
    origin.ready.set()
    await turn()
    assert origin.ended == 1


async def test_a_body_streams_to_its_client_while_it_is_stored() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    origin.body = parts = Parts(b"one")
    answer = await cached.get()
    assert answer.stream is not None
    assert await answer.stream.read() == b"one"
    parts.give(b"two")
    parts.give(b"")
    assert await answer.stream.read() == b"two"
    assert await body(await cached.get()) == b"onetwo"


async def test_a_body_that_is_too_large_passes_and_is_not_stored() -> None:
    cached = Cached(origin := Origin(PUBLIC), largest=5)
    origin.body = parts = Parts(b"1234", b"5678", b"9", b"")
    assert await body(await cached.get()) == b"123456789"
    assert parts.closed or origin.ended == 1
    origin.body = b"123456"
    assert await body(await cached.get()) == b"123456"
    assert len(origin.seen) == 2


async def test_a_body_that_breaks_off_is_not_stored() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    origin.body = Parts(b"one", OSError("gone"))
    answer = await cached.get()
    with pytest.raises(OSError, match="gone"):
        await body(answer)
    origin.body = b"whole"
    assert await body(await cached.get()) == b"whole"


async def test_a_fill_that_began_before_an_invalidation_never_brings_the_old_answer_back() -> None:
    cached = Cached(origin := Origin(PUBLIC, 'Cache-Groups: "one"'))
    origin.ready.clear()
    asking = await together(cached, times=1)
    await cached.levels.invalidate([b"things group one"])
    origin.ready.set()
    await answers(asking)
    await turn()
    await cached.get()
    assert len(origin.seen) == 2


async def test_nobody_joins_a_fill_that_began_before_an_invalidation() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    origin.ready.clear()
    before = await together(cached, times=2)
    await cached.levels.invalidate([b"things /things/1"])
    after = await together(cached, times=2)
    assert len(origin.seen) == 2
    origin.ready.set()
    await answers(before + after)
    await cached.fills.close()


async def test_nothing_is_fresh_for_longer_than_its_route_allows() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=999"), longest=5.0)
    await body(await cached.get())
    assert said(await cached.get()) == "portico; hit; ttl=5"
    cached.now += 6
    await cached.get()
    assert len(origin.seen) == 2


async def test_conditions_of_a_client_are_answered_here_and_never_reach_the_function() -> None:
    cached = Cached(origin := Origin(PUBLIC, 'ETag: "a"', "Last-Modified: " + date(-100).decode()))
    await body(await cached.get())
    assert (await cached.get('If-None-Match: "a"')).status == 304
    cached.now += 100
    part = await cached.get("Range: bytes=2-3")
    assert (part.status, await body(part)) == (206, b"23")
    assert b"range" not in dict(origin.seen[1].headers)
    assert len(origin.seen) == 2


async def test_what_the_function_says_for_one_client_only_is_in_that_clients_answer() -> None:
    cached = Cached(Origin('Cache-Control: max-age=60, private="x-mine"', "X-Mine: secret"))
    assert said(await cached.get(), b"x-mine") == "secret"
    assert said(await cached.get(), b"x-mine") is None


async def test_an_unexpected_error_is_an_internal_one_for_all() -> None:
    cached = Cached(origin := Origin())
    origin.error = ZeroDivisionError()
    with pytest.raises(Problem, match="internal-error"):
        await cached.get()


async def test_a_fill_has_a_deadline_of_its_own_that_leaves_time_for_something_stale() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=10, stale-if-error=60"), deadline=0.01)
    await body(await cached.get())
    cached.now += 20
    origin.ready.clear()
    assert said(await cached.get()) == "portico; hit; ttl=-10; detail=error-504"


async def test_a_redirect_to_https_is_not_what_https_gets() -> None:
    cached = Cached(origin := Origin(PUBLIC, "Location: https://portico.test/things/1", status=301, body=b""))
    await body(await cached.get())
    origin.lines, origin.status, origin.body = (PUBLIC,), 200, b"here"
    assert await body(await cached.get(scheme=b"https")) == b"here"
    again = await cached.get(scheme=b"https")
    assert (said(again), await body(again)) == ("portico; hit; ttl=60", b"here")
    assert (await cached.get()).status == 301
    cached.levels.forget([b"things /things/1"])
    origin.status = 404
    assert [(await cached.get(scheme=scheme)).status for scheme in (b"http", b"https")] == [404, 404]


@pytest.mark.parametrize(("host", "scheme"), [("elsewhere.test", b"http"), ("portico.test", b"https")])
async def test_the_same_tag_of_another_resource_is_another_answer(host: str, scheme: bytes) -> None:
    cached = Cached(origin := Origin(PUBLIC, 'ETag: "v1"', body=b"mine"))
    await body(await cached.get())
    origin.body = b"theirs"
    for fields in ((), ("Cache-Control: no-cache",)):
        assert await body(await cached.get(*fields, host=host, scheme=scheme)) == b"theirs"
        assert await body(await cached.get()) == b"mine"
    assert [value for asked in origin.seen[:2] for name, value in asked.headers if name == b"if-none-match"] == []


async def test_a_304_that_one_client_asked_for_is_no_answer_for_another() -> None:
    cached = Cached(origin := Origin(PUBLIC, 'ETag: "a"', status=304, body=b""))
    assert (await cached.get('If-None-Match: "a"')).status == 304
    origin.status, origin.body = 200, b"whole"
    answer = await cached.get()
    assert (answer.status, await body(answer)) == (200, b"whole")


async def test_a_part_that_was_not_asked_for_is_neither_stored_nor_said_to_be() -> None:
    cached = Cached(origin := Origin(PUBLIC, "Content-Range: bytes 5-9/10", status=206, body=b"56789"))
    for _ in range(2):
        answer = await cached.get("Range: bytes=0-4")
        assert said(answer) == "portico; fwd=uri-miss; fwd-status=206"
        assert await body(answer) == b"56789"
    assert len(origin.seen) == 2


async def test_of_what_may_grow_too_large_nobody_says_that_it_is_stored() -> None:
    cached = Cached(origin := Origin(PUBLIC))
    origin.body = Parts(b"01234", b"56789", b"")
    answer = await cached.get()
    assert said(answer) == "portico; fwd=uri-miss; fwd-status=200"
    assert await body(answer) == b"0123456789"
    assert said(await cached.get()) == "portico; hit; ttl=60"


@pytest.mark.parametrize("shared", [False, True])
async def test_a_cookie_is_for_who_asked_unless_the_route_shares_it(*, shared: bool) -> None:
    cached = Cached(origin := Origin(PUBLIC, "Set-Cookie: session=mine"), cookies=shared)
    answers = [await cached.get() for _ in range(2)]
    assert [said(answer, b"set-cookie") for answer in answers] == ["session=mine"] * 2
    assert len(origin.seen) == (1 if shared else 2)


async def test_what_a_304_brought_for_one_is_not_given_to_those_who_wait() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=1", 'ETag: "a"'))
    await body(await cached.get())
    cached.now += 100
    origin.status, origin.body, origin.lines = 304, b"", ('ETag: "a"', "Cache-Control: private, max-age=60")
    origin.per_request = lambda _: (f"Set-Cookie: number={len(origin.seen)}",)
    origin.ready.clear()
    asking = await together(cached, times=3)
    origin.ready.set()
    cookies = {said(await one, b"set-cookie") for one in asking}
    assert len(cookies) == 3, "each has its own"


async def test_a_function_is_asked_for_the_target_that_counts() -> None:
    cached = Cached(origin := Origin(PUBLIC), normal=counting(["a"], ()))
    for target in (b"/%74hings/1?utm=x&a=%7e&", b"/things/1?a=~&&utm=y"):
        await body(await cached.get(target=target))
        await body(await cached.get("Cache-Control: no-store", target=target))
    assert {asked.target for asked in origin.seen} == {b"/things/1?a=~"}
    assert len(origin.seen) == 3
