import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.structured import Bare, dictionary, strings


@pytest.mark.parametrize(
    ("field", "members"),
    [
        (b"", {}),
        (b"max-age=60", {b"max-age": 60}),
        (b"max-age=60, no-store", {b"max-age": 60, b"no-store": True}),
        (b" a=1 ,\t b=2.5;p=1;q ", {b"a": 1, b"b": 2.5}),
        (b"a=?0, b=?1;x", {b"a": False, b"b": True}),
        (b'a="x, \\"y\\"", b=token/1, c=:aGk=:', {b"a": 'x, "y"', b"b": b"token/1", b"c": b":aGk=:"}),
        (b"a=1, a=2", {b"a": 2}),
        (b"a;p=1", {b"a": True}),
    ],
)
def test_a_dictionary_is_read(field: bytes, members: dict[bytes, Bare]) -> None:
    assert dictionary(field) == members


@pytest.mark.parametrize(
    "field",
    [
        b"MaX-aGe=60",
        b"max-age =60",
        b"max-age= 60",
        b"max-age=60, &&&&&",
        b"max-age=60,",
        b"a=1 b=2",
        b'a="open',
        b"a=(1 2)",
        b"a=1234567890123456",
        b"a=1.2345",
        b"a=\x80",
        b"=1",
    ],
)
def test_what_does_not_parse_is_ignored_as_a_whole(field: bytes) -> None:
    assert dictionary(field) is None


def test_a_list_of_strings_is_read_without_parameters() -> None:
    assert strings(b'"user-1", "all users";v=1') == ["user-1", "all users"]
    assert strings(b"") == []


@pytest.mark.parametrize("field", [b"user-1", b'"a", 1', b'"a" "b"', b'"a",', b'"\xc3\xbc"', b'("a")'])
def test_a_list_with_anything_else_is_none(field: bytes) -> None:
    assert strings(field) is None


@given(st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12), max_size=5))
def test_strings_that_are_written_are_read(members: list[str]) -> None:
    written = ", ".join('"' + member.replace("\\", "\\\\").replace('"', '\\"') + '"' for member in members)
    assert strings(written.encode()) == members


@given(st.text(alphabet='ab1=;,? "\\:*-.()', max_size=40))
def test_no_field_breaks_the_reader(field: str) -> None:
    dictionary(field.encode())
    strings(field.encode())
