"""runtime/http/problem.py: the one error that leaves this house."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.problem import FORBIDDEN, KINDS, NOT_FOUND, OVERLOADED, Problem

AGREED = {
    "malformed-request": 400,
    "idempotency-key-refused": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "no-such-route": 404,
    "not-found": 404,
    "method-not-allowed": 405,
    "body-too-large": 413,
    "uri-too-long": 414,
    "unsupported-media-type": 415,
    "invalid-request": 422,
    "quota-exceeded": 429,
    "headers-too-large": 431,
    "internal-error": 500,
    "upstream-unreachable": 502,
    "upstream-misbehaved": 502,
    "circuit-open": 503,
    "overloaded": 503,
    "draining": 503,
    "keys-unavailable": 503,
    "dependency-unavailable": 503,
    "deadline-exceeded": 504,
}


def test_the_kinds_are_those_that_clients_were_promised() -> None:
    assert {kind.slug: kind.status for kind in KINDS if kind.slug in AGREED} == AGREED
    assert len({kind.slug for kind in KINDS}) == len(KINDS)


def test_every_kind_explains_itself() -> None:
    assert all(kind.title and kind.explanation.endswith(".") for kind in KINDS)


def test_a_body_says_what_where_and_which_request() -> None:
    assert json.loads(Problem(NOT_FOUND, "No such order.").body("/orders/1", "r-1")) == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "No such order.",
        "instance": "/orders/1",
        "request_id": "r-1",
    }


def test_without_a_detail_the_explanation_stands_in() -> None:
    assert json.loads(Problem(FORBIDDEN).body("/", ""))["detail"] == FORBIDDEN.explanation


def test_members_come_beside_the_standard_ones() -> None:
    body = json.loads(Problem(FORBIDDEN, members={"skus": ["a"]}).body("/x", ""))
    assert (body["skus"], body["instance"]) == (["a"], "/x")


@pytest.mark.parametrize(("seconds", "header"), [(0.0, b"1"), (0.2, b"1"), (1.0, b"1"), (1.001, b"2"), (60.0, b"60")])
def test_retry_after_is_whole_seconds_and_never_earlier(seconds: float, header: bytes) -> None:
    assert Problem(OVERLOADED, retry_after=seconds).headers == ((b"retry-after", header),)


def test_its_own_headers_come_first() -> None:
    problem = Problem(OVERLOADED, headers=[(b"allow", b"GET")], retry_after=1)
    assert problem.headers == ((b"allow", b"GET"), (b"retry-after", b"1"))


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="latin-1")))
def test_whatever_was_asked_for_the_body_is_json(instance: str, request_id: str) -> None:
    body = json.loads(Problem(NOT_FOUND).body(instance, request_id))
    assert (body["instance"], body["request_id"]) == (instance, request_id)
