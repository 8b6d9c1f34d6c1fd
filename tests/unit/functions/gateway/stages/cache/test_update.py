from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.update import freshened, headed, identified
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, get, head, held

A = held("Cache-Control: max-age=2", 'ETag: "a"', "X: 1", "X: 2", "Y: 1", age=10)
B = held("Cache-Control: max-age=2", 'ETag: "b"', f"Last-Modified: {date(-99).decode()}", age=10)


def values(entry: Stored, name: bytes) -> list[bytes]:
    return [value for field, value in entry.headers if field == name]


def test_a_tag_tells_which_one_a_304_is_about() -> None:
    assert identified((A, B), head('ETag: "b"'), NOW) is B
    assert identified((A, B), head('ETag: "c"'), NOW) is None
    assert identified((A,), head('ETag: W/"a"'), NOW) is None


def test_without_a_tag_the_date_tells_and_without_both_there_must_be_no_choice() -> None:
    assert identified((A, B), head(f"Last-Modified: {date(-99).decode()}"), NOW) is B
    assert identified((A, B), [], NOW) is None
    assert identified((A,), [], NOW) is A


def test_every_field_that_came_takes_the_place_of_its_former_lines() -> None:
    fresh = freshened(A, get(), head("X: 3", 'ETag: "a"', "Cache-Control: max-age=60"), NOW, NOW)
    assert values(fresh, b"x") == [b"3"]
    assert values(fresh, b"y") == [b"1"]
    assert fresh.fresh_until == NOW + 60
    assert fresh.body == A.body


def test_what_describes_the_bytes_stays() -> None:
    former = held("Content-Encoding: br", 'ETag: "a"')
    fresh = freshened(former, get(), head("Content-Encoding: gzip", "Content-Length: 99"), NOW, NOW)
    assert values(fresh, b"content-encoding") == [b"br"]
    assert values(fresh, b"content-length") == [b"10"]


def test_an_age_starts_anew_with_the_304() -> None:
    assert freshened(A, get(), [], NOW, NOW).born == NOW
    assert freshened(A, get(), head("Age: 7"), NOW, NOW).born == NOW - 7


def test_the_request_that_asked_selects_it_from_now_on() -> None:
    former = held('ETag: "a"', "Vary: Foo", asked=get("Foo: 1"))
    assert freshened(former, get("Foo: 2"), [], NOW, NOW).selecting != former.selecting


def test_a_head_shows_whether_it_is_still_the_same() -> None:
    assert headed(A, head('ETag: "a"', "Content-Length: 10"), NOW)
    assert headed(A, [], NOW)
    assert not headed(A, head('ETag: "z"'), NOW)
    assert not headed(A, head("Content-Length: 11"), NOW)
    assert not headed(B, head(f"Last-Modified: {date(-98).decode()}"), NOW)
