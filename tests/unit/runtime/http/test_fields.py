"""runtime/http/fields.py: a field of a request, line by line."""

from runtime.http.fields import lines, listed

HEADERS = [(b"if-match", b'"a"'), (b"host", b"h"), (b"if-match", b"\xe9"), (b"x-if-match", b"no")]


def test_all_lines_of_a_name_in_order() -> None:
    assert lines(HEADERS, b"if-match") == ['"a"', "é"]
    assert lines(HEADERS, b"cookie") == []


def test_several_lines_are_one_list() -> None:
    assert listed(HEADERS, b"if-match") == '"a", é'
    assert listed(HEADERS, b"host") == "h"
    assert listed(HEADERS, b"cookie") is None
