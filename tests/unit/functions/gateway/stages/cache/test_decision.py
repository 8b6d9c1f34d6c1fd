from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache import status
from functions.gateway.stages.cache.asked import Asked, ask
from functions.gateway.stages.cache.decision import (
    AGAIN,
    PASS,
    REFUSE,
    Fetch,
    Forward,
    Pass,
    Refuse,
    Renew,
    Reuse,
    Stale,
    Store,
    Update,
    Validate,
    on_answer,
    on_failure,
    on_request,
    withheld,
)
from functions.gateway.stages.cache.entry import Stored
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, get, head, held

FRESH = held("Cache-Control: max-age=60", 'ETag: "a"', age=10)
STALE = held("Cache-Control: max-age=60", 'ETag: "a"', age=100)
BARE = held("Cache-Control: max-age=60", age=100)


def decided(asked: Asked, *entries: Stored) -> Reuse | Validate | Fetch | Refuse:
    return on_request(asked, entries, NOW)


def came(decision: Forward, code: int, *lines: str, asked: Asked | None = None) -> Any:  # noqa: ANN401  what to do
    return on_answer(asked or get(), decision, code, head(*lines), NOW, NOW)


def asking(entries: Sequence[Stored], asked: Asked | None = None) -> Forward:
    decision = on_request(asked or get(), entries, NOW)
    assert isinstance(decision, Validate | Fetch)
    return decision


# Section 4: what a request gets.


def test_what_is_fresh_is_reused() -> None:
    assert decided(get(), FRESH) == Reuse(FRESH)


def test_nothing_held_is_fetched() -> None:
    assert decided(get()) == Fetch(status.URI_MISS)


def test_what_is_stale_is_asked_about_by_its_validators() -> None:
    assert decided(get(), STALE) == Validate(head('If-None-Match: "a"'), (STALE,), status.STALE, STALE)


def test_what_is_stale_and_has_none_is_fetched() -> None:
    assert decided(get(), BARE) == Fetch(status.STALE, BARE, (BARE,))


def test_the_newest_of_those_that_match_is_selected() -> None:
    older = held("Cache-Control: max-age=60", age=20)
    assert decided(get(), FRESH, older) == Reuse(FRESH)


ELSEWHERE = [ask(b"GET", head("Host: elsewhere.test")), ask(b"GET", head("Host: portico.test"), b"https")]


@pytest.mark.parametrize("there", ELSEWHERE)
def test_another_host_or_scheme_is_another_resource(there: Asked) -> None:
    entry = held("Cache-Control: max-age=60", 'ETag: "a"', asked=there)
    part = held("Cache-Control: max-age=60", "Content-Range: bytes 4-8/10", status=206, body=b"45678", asked=there)
    assert decided(get(), entry, part) == Fetch(status.URI_MISS)
    assert decided(there, entry) == Reuse(entry)


@pytest.mark.parametrize("there", ELSEWHERE)
@pytest.mark.parametrize("wants", ["X: 1", "Cache-Control: no-cache", "Cache-Control: max-age=0"])
def test_nobody_is_asked_about_what_is_held_of_another_resource(there: Asked, wants: str) -> None:
    line = "Cache-Control: max-age=60"
    theirs = [held(line, 'ETag: "a"', asked=there), held(line, 'ETag: "b"', "Vary: Foo", asked=there)]
    mine = held(line, 'ETag: "a"', "Vary: Foo", asked=get("Foo: 1"))
    decision = asking([*theirs, mine], get(wants))
    assert isinstance(decision, Validate)
    assert (decision.conditions, decision.stored) == (head('If-None-Match: "a"'), (mine,))
    outcome = came(decision, 304, 'ETag: "a"', asked=get(wants))
    assert isinstance(outcome, Update)
    assert outcome.stored.origin == b"http://portico.test"


def test_another_variant_is_offered_by_its_tag() -> None:
    one = held("Cache-Control: max-age=60", 'ETag: "a"', "Vary: Foo", asked=get("Foo: 1"))
    assert decided(get("Foo: 2"), one) == Validate(head('If-None-Match: "a"'), (one,), status.VARY_MISS)


@pytest.mark.parametrize("name", ["Authorization", "Cookie"])
def test_what_was_selected_by_who_asks_is_never_offered_to_another(name: str) -> None:
    line = "Cache-Control: public, max-age=60"
    one = held(line, 'ETag: "a"', f"Vary: {name}", asked=get(f"{name}: 1"))
    assert decided(get(f"{name}: 2"), one) == Fetch(status.VARY_MISS)


def test_no_cache_is_asked_about_each_time() -> None:
    entry = held("Cache-Control: no-cache, max-age=60", 'ETag: "a"')
    assert isinstance(decided(get(), entry), Validate)


@pytest.mark.parametrize(
    ("control", "reused"),
    [
        ("max-age=0", False),
        ("max-age=5", False),
        ("max-age=20", True),
        ("no-cache", False),
        ("min-fresh=40", True),
        ("min-fresh=51", False),
        ("max-stale", True),
        ("foo", True),
    ],
)
def test_a_request_may_want_better_than_fresh(control: str, reused: bool) -> None:  # noqa: FBT001  a column
    assert isinstance(decided(get(f"Cache-Control: {control}"), FRESH), Reuse) is reused


@pytest.mark.parametrize(
    ("control", "reused"),
    [("max-stale", True), ("max-stale=40", True), ("max-stale=39", False), ("max-age=999", False)],
)
def test_a_request_may_take_what_is_stale(control: str, reused: bool) -> None:  # noqa: FBT001  a column
    assert isinstance(decided(get(f"Cache-Control: {control}"), STALE), Reuse) is reused


def test_what_must_be_validated_is_not_taken_stale() -> None:
    entry = held("Cache-Control: max-age=1, must-revalidate", age=5)
    assert isinstance(decided(get("Cache-Control: max-stale"), entry), Fetch)


def test_a_reload_is_no_reason_to_ask_about_what_is_immutable() -> None:
    entry = held("Cache-Control: max-age=60, immutable", age=10)
    assert decided(get("Cache-Control: max-age=0"), entry) == Reuse(entry)
    assert isinstance(decided(get("Cache-Control: no-cache"), entry), Fetch)


@pytest.mark.parametrize("line", ["Cache-Control: no-store", 'If-Match: "a"', "Content-Length: 3"])
def test_some_requests_go_past(line: str) -> None:
    assert decided(get(line), FRESH) == Fetch(status.REQUEST)


def test_only_if_cached_gets_what_is_there_or_nothing() -> None:
    asked = get("Cache-Control: only-if-cached")
    assert decided(asked, FRESH) == Reuse(FRESH)
    assert decided(asked, STALE) == REFUSE
    assert decided(asked) == REFUSE


@pytest.mark.parametrize(("age", "reused"), [(61, True), (89, True), (91, False)])
def test_stale_while_revalidate_answers_and_asks_behind(age: float, reused: bool) -> None:  # noqa: FBT001  a column
    entry = held("Cache-Control: max-age=60, stale-while-revalidate=30", age=age)
    assert (decided(get(), entry) == Reuse(entry, behind=True)) is reused


def test_s_maxage_forbids_what_stale_while_revalidate_allows() -> None:
    entry = held("Cache-Control: s-maxage=1, stale-while-revalidate=30", age=5)
    assert isinstance(decided(get(), entry), Fetch)


def test_a_part_is_used_where_all_that_is_wanted_lies_in_it() -> None:
    part = held("Cache-Control: max-age=60", "Content-Range: bytes 4-8/10", status=206, body=b"45678")
    assert decided(get("Range: bytes=5-6"), part) == Reuse(part)
    assert decided(get("Range: bytes=0-6"), part) == Fetch(status.PARTIAL)
    assert decided(get(), part) == Fetch(status.PARTIAL)


def test_the_whole_is_preferred_to_a_part() -> None:
    part = held("Cache-Control: max-age=60", "Content-Range: bytes 4-8/10", status=206, body=b"45678")
    assert decided(get("Range: bytes=5-6"), part, FRESH) == Reuse(FRESH)


# Section 3 and 4.3: what becomes of an answer.


def test_what_may_be_stored_is() -> None:
    outcome = came(Fetch(status.URI_MISS), 200, "Cache-Control: max-age=60")
    assert isinstance(outcome, Store)
    assert outcome.stored.fresh_until == NOW + 60


def test_what_may_not_takes_what_was_asked_about_with_it() -> None:
    assert came(asking([STALE]), 200, "Cache-Control: no-store") == Pass((STALE,))
    assert came(asking([BARE]), 404) == Pass((BARE,))
    assert came(Fetch(status.URI_MISS), 200, "Cache-Control: private") == PASS


def test_a_304_freshens_what_was_asked_about() -> None:
    outcome = came(asking([STALE]), 304, 'ETag: "a"', "Cache-Control: max-age=5")
    assert isinstance(outcome, Update)
    assert outcome.keep
    assert outcome.stored.fresh_until == NOW + 5


def test_a_304_may_end_what_it_confirms() -> None:
    outcome = came(asking([STALE]), 304, "Cache-Control: no-store")
    assert isinstance(outcome, Update)
    assert not outcome.keep


def test_a_304_about_something_else_is_asked_again() -> None:
    assert came(asking([STALE]), 304, 'ETag: "z"') == AGAIN


def test_a_304_that_the_client_asked_for_is_handed_on() -> None:
    assert came(Fetch(status.URI_MISS), 304, 'ETag: "z"', asked=get('If-None-Match: "z"')) == PASS


def test_a_304_that_shows_another_variant_to_be_the_same_stores_it_for_this_request() -> None:
    one = held("Cache-Control: max-age=60", 'ETag: "a"', "Vary: Foo", asked=get("Foo: 1"))
    asked = get("Foo: 2")
    outcome = came(asking([one], asked), 304, 'ETag: "a"', asked=asked)
    assert isinstance(outcome, Update)
    assert decided(asked, outcome.stored) == Reuse(outcome.stored)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_stale_if_error_answers_in_place_of_an_error(code: int) -> None:
    entry = held("Cache-Control: max-age=60, stale-if-error=60", age=100)
    assert came(asking([entry]), code) == Stale(entry)
    late = held("Cache-Control: max-age=60, stale-if-error=30", age=100)
    assert came(asking([late]), code) == PASS
    assert came(asking([STALE]), code) == PASS


def test_a_client_may_ask_for_stale_if_error() -> None:
    asked = get("Cache-Control: stale-if-error=60")
    assert came(asking([STALE], asked), 503, asked=asked) == Stale(STALE)


def test_an_error_that_may_be_stored_takes_no_ones_place() -> None:
    entry = held("Cache-Control: max-age=60, stale-if-error=60", age=100)
    assert came(asking([entry]), 503, "Cache-Control: max-age=60") == Stale(entry)
    assert isinstance(came(Fetch(status.URI_MISS), 503, "Cache-Control: max-age=60"), Store)


def test_without_an_answer_what_may_go_stale_is_served_for_a_while() -> None:
    assert on_failure(get(), asking([STALE]), NOW) == STALE
    assert on_failure(get(), asking([STALE]), NOW + 21) is None
    assert on_failure(get(), Fetch(status.URI_MISS), NOW) is None


@pytest.mark.parametrize("control", ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"])
def test_without_an_answer_what_may_not_is_not(control: str) -> None:
    entry = held(f"Cache-Control: max-age=2, {control}", age=5)
    assert on_failure(get(), asking([entry]), NOW) is None


def test_who_asks_for_the_newest_gets_nothing_stale() -> None:
    asked = get("Cache-Control: no-cache")
    assert on_failure(asked, asking([FRESH], asked), NOW) is None


def test_a_head_freshens_what_is_stored_or_ends_it() -> None:
    asked = get(method=b"HEAD")
    outcome = came(asking([BARE], asked), 200, "Cache-Control: max-age=9", "X: 2", asked=asked)
    assert isinstance(outcome, Renew)
    assert outcome.stored[0].fresh_until == NOW + 9
    assert outcome.stored[0].body == BARE.body
    assert came(asking([BARE], asked), 200, "Content-Length: 99", asked=asked) == Pass((BARE,))
    assert came(asking([BARE], asked), 410, asked=asked) == Pass((BARE,))


def test_a_head_says_nothing_of_a_variant_that_it_would_not_have_got() -> None:
    one = held("Cache-Control: max-age=60", 'ETag: "a"', "Vary: Foo", asked=get("Foo: 1"))
    asked = get("Foo: 2", method=b"HEAD")
    decision = asking([one], asked)
    assert came(decision, 200, "Vary: Foo", "Cache-Control: max-age=9", asked=asked) == Renew(())
    assert came(decision, 404, asked=asked) == PASS
    outcome = came(decision, 304, 'ETag: "a"', "Cache-Control: max-age=9", asked=asked)
    assert isinstance(outcome, Update)
    assert not outcome.keep, "its body has been nobody's answer to this"


def test_a_304_to_a_head_freshens_what_it_is_about() -> None:
    asked = get("Cache-Control: no-cache", method=b"HEAD")
    outcome = came(asking([FRESH], asked), 304, 'ETag: "a"', "Cache-Control: max-age=900", asked=asked)
    assert isinstance(outcome, Update)
    assert (outcome.keep, outcome.stored.fresh_until, outcome.stored.body) == (True, NOW + 900, FRESH.body)
    assert came(asking([FRESH], asked), 304, 'ETag: "z"', asked=asked) == AGAIN
    private = came(asking([FRESH], asked), 304, 'ETag: "a"', "Cache-Control: private", asked=asked)
    assert not private.keep


def test_a_head_may_end_what_it_confirms() -> None:
    asked = get(method=b"HEAD")
    assert came(asking([BARE], asked), 200, "Cache-Control: private", asked=asked) == Pass((BARE,))


def test_a_304_that_a_head_asked_for_itself_says_nothing_of_what_is_held() -> None:
    asked = get('If-None-Match: "z"', "Cache-Control: no-cache", method=b"HEAD")
    assert came(asking([BARE], asked), 304, 'ETag: "z"', asked=asked) == PASS


@pytest.mark.parametrize("code", [304, 412, 416])
def test_what_answers_conditions_is_nobody_elses(code: int) -> None:
    asked = get('If-None-Match: "z"', "Range: bytes=99-")
    outcome = came(Fetch(status.URI_MISS), code, "Cache-Control: max-age=60", 'ETag: "z"', asked=asked)
    assert outcome == PASS


def test_what_sets_a_cookie_is_kept_where_the_route_shares_them() -> None:
    lines = ("Cache-Control: public, max-age=60", "Set-Cookie: a=b")
    stored = came(Fetch(status.URI_MISS), 200, *lines)
    assert isinstance(stored, Store)
    assert withheld(stored) == Pass((stored.stored,))
    plain = came(Fetch(status.URI_MISS), 200, "Cache-Control: max-age=60, private=set-cookie", "Set-Cookie: a=b")
    assert withheld(plain) == plain
    update = came(asking([STALE]), 304, 'ETag: "a"', *lines)
    assert isinstance(update, Update)
    assert (update.keep, withheld(update)) == (True, update._replace(keep=False))
    asked = get(method=b"HEAD")
    renew = came(asking([BARE], asked), 200, *lines, asked=asked)
    assert isinstance(renew, Renew)
    assert withheld(renew) == Pass(renew.stored)


# What must hold whatever is said.

CONTROL = st.sampled_from(["max-age=30", "s-maxage=20", "no-cache", "no-store", "must-revalidate", "public", "private",
                           "stale-while-revalidate=40", "proxy-revalidate", "max-age=oops", "immutable"])  # fmt: skip
WANTED = st.sampled_from(["", "max-age=5", "max-stale=100", "min-fresh=10", "max-stale", "no-cache"])


@given(said=st.sets(CONTROL), wanted=WANTED, age=st.integers(0, 120))
def test_what_is_stale_is_reused_only_where_both_sides_allow_it(said: set[str], wanted: str, age: int) -> None:
    entry = held("Cache-Control: " + ", ".join(sorted(said)), f"Last-Modified: {date(-50).decode()}", age=age)
    decision = on_request(get(f"Cache-Control: {wanted}"), (entry,), NOW)
    if not isinstance(decision, Reuse):
        return
    assert "no-cache" not in said
    assert wanted != "no-cache"
    if entry.fresh_until <= NOW:
        assert not said & {"must-revalidate", "proxy-revalidate", "s-maxage=20"}
        assert "max-stale" in wanted or decision.behind
    elif wanted == "max-age=5":
        assert age <= 5 or "immutable" in said
    elif wanted == "min-fresh=10":
        assert entry.fresh_until - NOW >= 10
