import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.cache.answer import answer
from functions.gateway.stages.cache.status import hit
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, get, held

ENTRY = held("Cache-Control: max-age=60", 'ETag: "a"', "Content-Type: text/plain", "Age: 5", "Vary: Foo", age=7.5)


def got(*lines: str, method: bytes = b"GET") -> Response:
    return answer(get(*lines, method=method), ENTRY, NOW, hit(47.5))


def field(response: Response, name: bytes) -> bytes | None:
    return dict(response.headers).get(name)


def test_the_usual_answer_is_the_stored_one_with_its_age() -> None:
    response = got()
    assert (response.status, response.content) == (200, b"0123456789")
    assert field(response, b"age") == b"12"
    assert field(response, b"cache-status") == b"portico; hit; ttl=47"
    assert field(response, b"date") == date(-8)


def test_the_stored_fields_stay_as_they_are() -> None:
    before = list(ENTRY.headers)
    got()
    assert ENTRY.headers == before


def test_a_head_gets_no_content_and_all_fields() -> None:
    response = got(method=b"HEAD")
    assert response.content == b""
    assert field(response, b"content-length") == b"10"


def test_who_has_it_gets_304_with_what_a_304_brings() -> None:
    response = got('If-None-Match: "a"')
    assert (response.status, response.content) == (304, b"")
    assert {name for name, _ in response.headers} == {
        b"cache-control",
        b"etag",
        b"vary",
        b"date",
        b"age",
        b"cache-status",
    }


def test_who_has_another_gets_the_whole() -> None:
    assert got('If-None-Match: "b"').status == 200
    assert got('If-None-Match: "b"', method=b"HEAD").content == b""


@pytest.mark.parametrize(
    ("wanted", "content", "span"),
    [
        ("bytes=0-1", b"01", b"bytes 0-1/10"),
        ("bytes=1-", b"123456789", b"bytes 1-9/10"),
        ("bytes=-1", b"9", b"bytes 9-9/10"),
    ],
)
def test_a_range_gets_its_part(wanted: str, content: bytes, span: bytes) -> None:
    response = got(f"Range: {wanted}")
    assert (response.status, response.content) == (206, content)
    assert field(response, b"content-range") == span
    assert field(response, b"content-length") == b"%d" % len(content)


def test_a_range_beyond_the_end_is_416() -> None:
    response = got("Range: bytes=10-")
    assert (response.status, response.content) == (416, b"")
    assert field(response, b"content-range") == b"bytes */10"


@pytest.mark.parametrize("line", ["Range: bytes=0-1, 3-4", "Range: lines=1-2"])
def test_a_range_that_is_ignored_gets_the_whole(line: str) -> None:
    assert got(line).content == b"0123456789"


def test_a_range_of_something_else_gets_the_whole() -> None:
    assert got("Range: bytes=0-1", 'If-Range: "b"').status == 200
    assert answer(get("Range: bytes=0-1"), held(status=404), NOW, hit(0)).status == 404


def test_who_has_it_gets_304_for_a_range_too() -> None:
    assert got("Range: bytes=0-1", 'If-None-Match: "a"').status == 304


def test_a_part_of_a_part() -> None:
    part = held("Content-Range: bytes 4-8/10", status=206, body=b"45678")
    response = answer(get("Range: bytes=5-6"), part, NOW, hit(0))
    assert (response.status, response.content) == (206, b"56")
    assert field(response, b"content-range") == b"bytes 5-6/10"
