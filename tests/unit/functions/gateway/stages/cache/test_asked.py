import pytest

from functions.gateway.stages.cache.asked import ask
from functions.gateway.stages.cache.directives import Asking
from tests.unit.functions.gateway.stages.cache.heads import get, head


def test_a_usual_request_is_plain() -> None:
    asked = get("Accept: */*", "User-Agent: x", "Authorization: Bearer t", "Content-Length: 0")
    assert asked.plain
    assert asked.authorized
    assert asked.origin == b"http://portico.test"


@pytest.mark.parametrize(
    "line",
    [
        "If-None-Match: x",
        "If-Modified-Since: x",
        "Range: bytes=0-1",
        "Cache-Control: no-cache",
        "Pragma: no-cache",
        "If-Match: x",
        "If-Unmodified-Since: x",
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
    ],
)
def test_what_asks_for_something_else_is_not(line: str) -> None:
    assert not get(line).plain


def test_a_request_that_says_nothing_about_caching_has_no_directives() -> None:
    assert get("Cache-Control: foo", "Pragma: bar").directives is None
    assert get("Pragma: no-cache").directives == Asking(no_cache=True)


@pytest.mark.parametrize(
    "line", ["If-Match: x", "If-Match: 0", "If-Unmodified-Since: 0", "Content-Length: 3", "Transfer-Encoding: chunked"]
)
def test_what_only_the_function_can_judge_goes_past(line: str) -> None:
    assert get(line).past


def test_a_body_of_nothing_is_none() -> None:
    assert not get("Content-Length: 0").past


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        (b"http", b"Portico.Test:80", b"http://portico.test"),
        (b"http", b"portico.test:", b"http://portico.test"),
        (b"https", b"portico.test:443", b"https://portico.test"),
        (b"https", b"portico.test:80", b"https://portico.test:80"),
        (b"http", b"portico.test:443", b"http://portico.test:443"),
        (b"http", b"portico.test:8080", b"http://portico.test:8080"),
        (b"http", b"[::80]", b"http://[::80]"),
        (b"http", b"[::1]:80", b"http://[::1]"),
    ],
)
def test_rfc9110_4_2_3_an_origin_has_one_name(scheme: bytes, host: bytes, origin: bytes) -> None:
    assert ask(b"GET", [(b"host", host)], scheme).origin == origin


def test_lines_of_a_list_are_joined() -> None:
    assert get('If-None-Match: "a"', 'If-None-Match: "b"').none_match == b'"a", "b"'


def test_range_means_something_for_get_alone() -> None:
    assert get("Range: bytes=0-1", method=b"HEAD").wanted is None


def test_the_functions_own_request_has_no_conditions() -> None:
    asked = get("If-None-Match: x", "Range: y", "If-Range: z", "If-Modified-Since: d", "Accept: q")
    assert asked.unconditional() == head("Host: portico.test", "Accept: q")
