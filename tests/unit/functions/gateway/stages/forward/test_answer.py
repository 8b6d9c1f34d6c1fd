"""An answer is read the same however its bytes are cut, and what breaks HTTP/1.1 is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.forward.answer import HEAD_LIMIT, Answer
from functions.gateway.stages.forward.errors import Misbehaved

OK = b"HTTP/1.1 200 OK\r\n"
TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=12).map(
    lambda name: b"X-" + name.encode()
)
VALUES = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte > 32 and byte != 127))


def read(*pieces: bytes, method: bytes = b"GET") -> tuple[Answer, bytes]:
    """An answer that was fed `pieces`, and its content."""
    answer, content = Answer(), b""
    answer.expect(method)
    for piece in pieces:
        answer.feed(piece)
        content += answer.take()
    return answer, content


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % len(whole) for place in places} - {0})
    return [whole[start:end] for start, end in zip([0, *ends], [*ends, len(whole)], strict=True)]


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, int, list[tuple[bytes, bytes]], bytes]:
    """The bytes of a valid answer, and what they mean."""
    status = draw(st.sampled_from([200, 201, 206, 301, 404, 422, 500, 503]))
    fields = draw(st.lists(st.tuples(TOKENS, VALUES), max_size=5))
    content = draw(st.binary(max_size=60))
    if draw(st.booleans()):
        fields.append((b"Content-Length", b"%d" % len(content)))
        framed = content
    else:
        fields.append((b"Transfer-Encoding", b"chunked"))
        chunks = cut(content, draw(st.lists(st.integers(0, 60), max_size=4))) if content else []
        framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        framed += b"0\r\n" + draw(st.sampled_from([b"", b"X-Trailer: t\r\n"])) + b"\r\n"
    interim = draw(
        st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"])
    )
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    means = [(name.lower(), value) for name, value in fields]
    return interim + b"HTTP/1.1 %d Some Reason\r\n" % status + lines + b"\r\n" + framed, status, means, content


@given(answers(), st.lists(st.integers(min_value=0), max_size=12))
def test_a_valid_answer_is_read_the_same_however_it_is_cut(
    answer: tuple[bytes, int, list[tuple[bytes, bytes]], bytes], places: list[int]
) -> None:
    wire, status, headers, content = answer
    got, body = read(*cut(wire, places))
    assert (got.status, got.headers, body) == (status, headers, content)
    assert got.complete
    assert got.keep_alive


@given(answers(), answers())
def test_one_parser_reads_one_answer_after_another(
    one: tuple[bytes, int, list[tuple[bytes, bytes]], bytes], other: tuple[bytes, int, list[tuple[bytes, bytes]], bytes]
) -> None:
    answer, content = read(one[0])
    assert content == one[3]
    answer.expect(b"GET")
    assert answer.feed(other[0])
    assert (answer.status, answer.headers, answer.take()) == other[1:]


@given(answers(), st.integers(min_value=1))
def test_a_valid_answer_that_stops_early_is_never_complete(
    answer: tuple[bytes, int, list[tuple[bytes, bytes]], bytes], short: int
) -> None:
    wire = answer[0][: -(1 + short % (len(answer[0]) - 1))]
    got, _ = read(wire)
    assert not got.end()


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_read_or_refused(noise: bytes) -> None:
    answer = Answer()
    answer.expect(b"GET")
    try:
        answer.feed(noise)
    except Misbehaved:
        assert not answer.complete


@pytest.mark.parametrize(
    "broken",
    [
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        OK + b"Content-Length: 2, 3\r\n\r\nhi!",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nhi",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"X: folded\r\n value\r\n\r\n",
        OK + b"X: nul\0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 twohundred\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 600 Too High\r\n\r\n",
        b"HTTP/1.1 042 Too Low\r\n\r\n",
    ],
)
def test_an_answer_that_breaks_http_or_frames_itself_twice_is_refused(broken: bytes) -> None:
    with pytest.raises(Misbehaved):
        read(broken)


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    answer, _ = read(OK + b"X-Empty:\r\nX-Wide: \t a b \t \r\nContent-Length: 0\r\n\r\n")
    assert answer.headers == [(b"x-empty", b""), (b"x-wide", b"a b"), (b"content-length", b"0")]


def test_content_without_a_length_ends_with_the_connection() -> None:
    answer, content = read(OK + b"Connection: close\r\n\r\nhel", b"lo")
    assert content == b"hello"
    assert not answer.complete
    assert answer.end()
    assert not answer.keep_alive


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_content_whatever_they_announce(status: int) -> None:
    answer, content = read(b"HTTP/1.1 %d -\r\nContent-Length: 9\r\n\r\n" % status)
    assert (answer.complete, content) == (True, b"")
    assert answer.keep_alive is (status == 304)  # which may say how long a 200 would be; of a 204 it is not known


def test_heads_answer_is_complete_with_its_head_and_the_next_answer_is_read_afresh() -> None:
    answer, content = read(OK + b"Content-Length: 5\r\n\r\n", method=b"HEAD")
    assert (answer.complete, answer.keep_alive, content) == (True, True, b"")
    answer.expect(b"GET")
    assert answer.feed(OK + b"Content-Length: 2\r\n\r\nhi")
    assert answer.take() == b"hi"


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\n\r\nhello",
        b"Content-Length: 0\r\n\r\nHTTP/1.1 200",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\r\n",
    ],
)
def test_a_connection_whose_head_answer_may_be_followed_by_content_is_not_used_again(rest: bytes) -> None:
    answer, content = read(OK + rest, method=b"HEAD")
    assert (answer.complete, answer.keep_alive, content) == (True, False, b"")


@pytest.mark.parametrize("extra", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_bytes_after_an_answer_cost_it_the_connection_and_nothing_else(extra: bytes) -> None:
    answer, content = read(OK + b"Content-Length: 2\r\n\r\nhi" + extra)
    assert (answer.status, answer.complete, answer.keep_alive, content) == (200, True, False, b"hi")


def test_connection_close_is_honoured() -> None:
    answer, _ = read(OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert answer.complete
    assert not answer.keep_alive


@pytest.mark.parametrize(
    "endless",
    [
        OK + b"X: " + b"y" * HEAD_LIMIT,
        OK + b"X: y\r\n" * (HEAD_LIMIT // 6),
        b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_LIMIT // 24),
        OK + b"X: " + b"y" * HEAD_LIMIT + b"\r\nContent-Length: 2\r\n\r\nhi",
    ],
)
def test_a_giant_head_is_refused_in_one_piece_or_many(endless: bytes) -> None:
    with pytest.raises(Misbehaved):
        read(endless)
    with pytest.raises(Misbehaved):
        read(*cut(endless, list(range(0, len(endless), 1000))))


def test_a_large_content_that_comes_with_its_head_is_no_giant_head() -> None:
    content = b"x" * (HEAD_LIMIT * 2)
    answer, got = read(OK + b"Content-Length: %d\r\n\r\n" % len(content) + content)
    assert (answer.complete, got) == (True, content)


def test_trailers_without_end_are_refused() -> None:
    body = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
    with pytest.raises(Misbehaved):
        read(body, *[b"x" * 1000] * (HEAD_LIMIT // 1000 + 1))


def test_bytes_that_come_before_anything_is_expected_are_not_an_answer() -> None:
    assert Answer().complete
