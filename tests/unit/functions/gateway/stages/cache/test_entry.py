import msgspec
import pytest

from functions.gateway.stages.cache.entry import Stored, content_range, filled, groups
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, get, head, held


def names(entry: Stored) -> set[bytes]:
    return {name for name, _ in entry.headers}


def test_what_belongs_to_one_hop_or_to_one_moment_is_not_stored() -> None:
    dropped = ("Connection: x", "Keep-Alive: x", "Upgrade: x", "TE: x", "Proxy-Authenticate: x", "Trailer: x", "Age: 3")
    entry = held(*dropped, "Proxy-Authentication-Info: x", "Cache-Status: other; hit", "Set-Cookie: a=b", "X: y")
    assert names(entry) == {b"set-cookie", b"x", b"date", b"content-length"}


def test_fields_that_private_or_no_cache_name_are_not_stored() -> None:
    entry = held('Cache-Control: max-age=1, private="A", no-cache="b"', "A: 1", "B: 2", "C: 3")
    assert names(entry) == {b"cache-control", b"c", b"date", b"content-length"}


def test_an_answer_without_a_date_gets_one() -> None:
    assert (b"date", date()) in held("Cache-Control: max-age=1").headers
    assert (b"date", date(-5)) in held(f"Date: {date(-5).decode()}").headers


def test_a_lifetime_starts_when_the_answer_was_made() -> None:
    assert held("Cache-Control: max-age=60", "Age: 10").fresh_until == NOW + 50
    assert held("Cache-Control: max-age=60", age=20).fresh_until == NOW + 40


@pytest.mark.parametrize(
    ("control", "strict", "always"),
    [
        ("max-age=1", False, False),
        ("must-revalidate", True, False),
        ("proxy-revalidate", True, False),
        ("s-maxage=1", True, False),
        ("no-cache", True, True),
    ],
)
def test_what_may_not_go_stale(control: str, strict: bool, always: bool) -> None:  # noqa: FBT001  a table's columns
    entry = held(f"Cache-Control: {control}")
    assert (entry.strict, entry.always) == (strict, always)


@pytest.mark.parametrize(
    ("lines", "after"),
    [
        (["Cache-Control: max-age=10, must-revalidate"], 10),
        (["Cache-Control: max-age=10"], 70),
        (["Cache-Control: max-age=10, stale-if-error=300"], 310),
        (["Cache-Control: max-age=10, must-revalidate", 'ETag: "a"'], 3610),
    ],
)
def test_an_entry_is_kept_for_as_long_as_it_may_be_of_use(lines: list[str], after: float) -> None:
    assert held(*lines).kept_until == NOW + after


def test_a_part_stands_beside_the_whole() -> None:
    part = held("Content-Range: bytes 0-9/20", status=206)
    assert part.part == (0, 9, 20)
    assert part.variant != held("Cache-Control: max-age=1").variant


def test_a_part_that_is_not_as_long_as_it_says_is_none() -> None:
    assert filled(held("Content-Range: bytes 0-9/20", status=206), b"short") is None


@pytest.mark.parametrize("value", ["bytes */20", "bytes 5-4/20", "bytes 0-20/20", "bytes 0-9/*", "lines 0-9/20", ""])
def test_a_content_range_that_names_no_part_is_none(value: str) -> None:
    assert content_range(head(f"Content-Range: {value}")) is None


def test_groups_are_strings_or_nothing() -> None:
    assert groups(head('Cache-Groups: "a", "b"', 'Cache-Groups: "c";x'), b"cache-groups") == ("a", "b", "c")
    assert groups(head("Cache-Groups: a"), b"cache-groups") == groups([], b"cache-groups") == ()


def test_an_entry_comes_back_from_a_store_as_it_was() -> None:
    entry = held("Cache-Control: max-age=1", "Vary: Foo", 'Cache-Groups: "g"', asked=get("Foo: \xff"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Stored) == entry


def test_an_entry_weighs_more_than_its_body() -> None:
    assert held(body=b"x" * 5000).weight > 5000


def test_content_length_is_stated_except_where_there_can_be_none() -> None:
    assert (b"content-length", b"10") in held("Content-Length: 99").headers
    assert b"content-length" not in names(held(status=204, body=b""))
