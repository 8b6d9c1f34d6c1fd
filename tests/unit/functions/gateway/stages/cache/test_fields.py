import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.fields import FOREVER, delta, first, line, members
from tests.unit.functions.gateway.stages.cache.heads import head

VARY = head("Vary: a", "Date: x", "Vary: b, c")


def test_lines_of_one_name_are_one_list() -> None:
    assert line(VARY, b"vary") == b"a, b, c"
    assert first(VARY, b"vary") == b"a"
    assert line(VARY, b"age") is first(VARY, b"age") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b", ,", []),
        (b"a, b ,c", [b"a", b"b", b"c"]),
        (b'a="x, y", b', [b'a="x, y"', b"b"]),
        (b'"a\\", b", c', [b'"a\\", b"', b"c"]),
        (b'private="x, no-store', [b'private="x', b"no-store"]),
        (b'"a\\", "b"', [b'"a\\"', b'"b"']),
    ],
)
def test_a_comma_within_quotes_divides_nothing_unless_they_stay_open(text: bytes, found: list[bytes]) -> None:
    assert members(text) == found


@given(st.text(alphabet='ab ,"\\', max_size=30))
def test_members_lose_no_letter(text: str) -> None:
    assert b"".join(members(text.encode())).count(b"a") == text.count("a")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0", 0),
        (b"60", 60),
        (b"003600", 3600),
        (b"2147483648", FOREVER),
        (b"99999999999", FOREVER),
        (b"9" * 5000, FOREVER),
        (b"", None),
        (b"-1", None),
        (b"1.0", None),
        (b"'60'", None),
        (b"60a", None),
        ("٣".encode(), None),
    ],
)
def test_seconds_are_digits_and_nothing_else(text: bytes, number: float | None) -> None:
    assert delta(text) == number
