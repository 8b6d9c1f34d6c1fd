"""A head has one meaning, or is refused; and what passes means the same to whoever reads it next."""

from posixpath import normpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.wire import MOST_FIELDS, ONCE, Refused, length
from runtime.http.problem import EXPECTATION_FAILED, HEADERS_TOO_LARGE, MALFORMED, Header

HOST = (b"host", b"shop.example:8080")
CHUNKED = (b"transfer-encoding", b"chunked")


def said(*headers: Header) -> int | None:
    return length(b"/users", [(b"accept", b"*/*"), *headers])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([HOST], 0),
        ([HOST, (b"content-length", b"0")], 0),
        ([(b"content-length", b"3"), HOST], 3),
        ([HOST, CHUNKED], None),
        ([HOST, (b"transfer-encoding", b"Chunked")], None),
        ([HOST, (b"expect", b"100-Continue"), (b"content-length", b"3")], 3),
    ],
)
def test_a_body_is_as_long_as_its_head_says(headers: list[Header], body: int | None) -> None:
    assert said(*headers) == body


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST, HOST],
        [HOST, (b"host", b"other.example")],
        [HOST, CHUNKED, CHUNKED],
        [HOST, CHUNKED, (b"content-length", b"3")],
        [HOST, (b"content-length", b"3"), (b"content-length", b"3")],
        *(
            [HOST, (b"transfer-encoding", coding)]
            for coding in (b"gzip, chunked", b"identity", b"chunked, chunked", b"")
        ),
        [HOST, (b"upgrade", b"websocket")],
        [HOST, (b"upgrade", b"h2c")],
    ],
    ids=str,
)
def test_framing_with_two_meanings_is_refused(headers: list[Header]) -> None:
    with pytest.raises(Refused) as raised:
        said(*headers)
    assert raised.value.kind is MALFORMED
    assert (b"connection", b"close") in raised.value.headers


TWO = [(b"a", b"b"), (b"a", b"a"), (b"", b"a"), (b"a", b""), (b'"a', b'b"')]


@pytest.mark.parametrize("name", sorted(ONCE))
@pytest.mark.parametrize(("first", "second"), TWO)
def test_what_may_be_said_once_is_refused_when_it_is_said_twice(name: bytes, first: bytes, second: bytes) -> None:
    """Also where both say the same: who counts lines and who joins them would read it differently."""
    twice = [(name, first), (b"x", b"y"), (name, second)]
    with pytest.raises(Refused) as raised:
        said(*twice if name == b"host" else [HOST, *twice])
    assert raised.value.kind is MALFORMED
    assert name.decode() in raised.value.detail.lower()


@pytest.mark.parametrize("name", [b"accept", b"cookie", b"via", b"cdn-loop", b"x-forwarded-for", b"if-match", b"x"])
def test_a_list_may_come_in_lines(name: bytes) -> None:
    assert said(HOST, (name, b"a"), (name, b"b")) == 0
    assert said(HOST, (name, b"a"), (name, b"b"), (b"content-length", b"3")) == 3


@pytest.mark.parametrize("wanted", [b"200-ok", b"", b"100-continue, x", b"100-continue=1"])
def test_what_cannot_be_expected_fails(wanted: bytes) -> None:
    with pytest.raises(Refused) as raised:
        said(HOST, (b"expect", wanted))
    assert raised.value.kind is EXPECTATION_FAILED
    assert (b"connection", b"close") in raised.value.headers


def test_more_fields_than_a_function_takes_with_those_of_a_gateway_are_refused() -> None:
    assert length(b"/users", [HOST, *[(b"x", b"")] * (MOST_FIELDS - 1)]) == 0
    with pytest.raises(Refused) as raised:
        length(b"/users", [HOST, *[(b"x", b"")] * MOST_FIELDS])
    assert raised.value.kind is HEADERS_TOO_LARGE
    assert (b"connection", b"close") in raised.value.headers


@pytest.mark.parametrize(
    "host", [b"a", b"a" * 255, b"a_b.example", b"192.0.2.1:80", b"[2001:db8::1]", b"[::1]:80", b"a:", b"[::]:"]
)
def test_a_host_is_a_name_or_an_address(host: bytes) -> None:
    assert said((b"host", host)) == 0


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"a/b",
        b"user@a",
        b"a b",
        b"a, b",
        b"a:8x",
        b":",
        b"a::",
        b"a:999999",
        b"a%00b",
        b"a\\b",
        b"[::1",
        b"::1",
        b"a\n",
        b"a" * 256,
    ],
)
def test_any_other_host_is_refused(host: bytes) -> None:
    with pytest.raises(Refused):
        said((b"host", host))


PLAIN = [
    b"/",
    b"/users/",
    b"/users/ada.lovelace",
    b"/.well-known/jwks.json",
    b"/...",
    b"/a;v=1,2!$&'()*:@",
    b"/a;..",
    b"/%41%2d%7E%20",
    b"/%C3%A9",
    b"/%252e%252e",
    b"/100%25",
    b'/"{}|',
]
DOUBTFUL = [
    b"",
    b"*",
    b"a:80",
    b"//users",
    b"/users//me",
    b"/users/..",
    b"/../users",
    b"/./users",
    b"/users/.",
    b"/users/%2e%2E/me",
    b"/users/.%2e",
    b"/users/..;/me",
    b"/users/..;v=1",
    b"/users%2fme",
    b"/users%2Fme",
    b"/users\\me",
    b"/users%5cme",
    b"/users/%00",
    b"/users/%0d%0aX",
    b"/users/%7f",
    b"/users/%",
    b"/users/%2",
    b"/users/%zz",
    b"/users/%u002e",
    b"/users/%c0%ae%c0%ae",
    b"/users/%c0%af",
    b"/users/%e0%80%af",
    b"/users/%ed%a0%80",
    b"/users/%ff",
    b"/users/\xc3\xa9",
]


@pytest.mark.parametrize("path", PLAIN)
def test_a_path_with_one_meaning_passes(path: bytes) -> None:
    assert length(path, [HOST]) == 0


@pytest.mark.parametrize("path", DOUBTFUL)
def test_a_path_with_two_meanings_is_refused(path: bytes) -> None:
    with pytest.raises(Refused):
        length(path, [HOST])


PIECES = st.sampled_from(
    [b"/", b"a", b".", b"..", b";", b"%2e", b"%2F", b"%5C", b"%00", b"%c3%a9", b"%c0", b"\\", b"%"]
)


WRITTEN = st.binary(max_size=12).map(lambda text: bytes(byte for byte in text if byte > 0x20))  # all a server passes


@given(st.lists(PIECES, max_size=12).map(b"".join) | WRITTEN)
def test_who_decodes_and_who_normalises_find_the_same_path(rest: bytes) -> None:
    path = b"/a" + rest
    try:
        length(path, [HOST])
    except Refused:
        return
    decoded = unquote(path, errors="strict")
    assert decoded.count("/") == path.count(b"/")
    assert normpath(decoded) == decoded.rstrip("/")
    assert normpath(path.decode()) == path.decode().rstrip("/")
    assert min(decoded) >= " "


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"host", b"content-length", b"transfer-encoding", b"accept"]),
        st.sampled_from([b"a", b"3", b"chunked", b"gzip", b""]),
    ),
    max_size=5,
)


@given(HEADERS)
def test_what_passes_is_framed_once(headers: list[Header]) -> None:
    headers = [header for header in headers if header[0] != b"content-length" or header[1] in (b"3", b"")]
    try:
        body = length(b"/", headers)
    except Refused:
        return
    names = [name for name, _ in headers]
    assert names.count(b"host") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert (body is None) == (b"transfer-encoding" in names)
