"""What is believed of an answer depends on its bytes alone: whole, byte by byte and cut at random it is the same.

Every known answer is read each way, by a parser that is new and by one that has read another answer before, and is
taken for what it is to be taken for. What hypothesis makes of them has to be taken for the same, whatever that is.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.gateway.exchange import Header
from functions.gateway.stages.forward.answer import HEAD_LIMIT, Answer
from functions.gateway.stages.forward.errors import Misbehaved
from tests.unit.functions.gateway.stages.forward.answers import CASES, Case

BEFORE = b"HTTP/1.1 103 -\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nX: y\r\n\r\n"
SMALL = [name for name, case in CASES.items() if len(case.wire) <= 2000]


class Outcome(NamedTuple):
    """What is known of an answer once its connection has closed."""

    refused: bool
    status: int
    headers: tuple[Header, ...]
    content: bytes
    complete: bool
    keep: bool
    closed: bool  # the end of the connection was its end


def outcome(pieces: Sequence[bytes], method: bytes = b"GET", before: Sequence[bytes] = ()) -> Outcome:
    """Feeds `pieces`, and ends; `before` is an answer that came the same way."""
    answer = Answer()
    if before:
        answer.expect(b"GET")
        for piece in before:
            answer.feed(piece)
    answer.expect(method)
    content, refused = b"", False
    try:
        for piece in pieces:
            answer.feed(piece)
            content += answer.take()
    except Misbehaved:
        content, refused = content + answer.take(), True
    open_still = not answer.complete and not refused
    complete = not refused and answer.end()
    headers = tuple(answer.headers) if answer.headed else ()
    return Outcome(refused, answer.status, headers, content, complete, answer.keep_alive, complete and open_still)


def cut(whole: bytes, places: Sequence[int]) -> list[bytes]:
    """`whole`, cut at these places."""
    ends = sorted({place % len(whole) for place in places} - {0})
    return [whole[start:end] for start, end in pairwise([0, *ends, len(whole)])]


def fine(whole: bytes) -> list[bytes]:
    """Byte by byte; of what is long the ends, and what is near the limit, and small pieces of the rest."""
    near = [*range(400), *range(HEAD_LIMIT - 40, HEAD_LIMIT + 120), *range(len(whole) - 200, len(whole))]
    places = range(len(whole)) if len(whole) <= 2000 else [*near, *range(0, len(whole), 613)]
    return cut(whole, [place for place in places if 0 <= place < len(whole)])


def meant(case: Case) -> tuple[object, ...]:
    """What `outcome` has to say of `case`, without its headers."""
    if case.content is None:
        return (True,)
    return (False, case.content, not case.short, case.keep, case.closed, *(() if case.short else (case.status,)))


def told(read: Outcome, case: Case) -> tuple[object, ...]:
    if read.refused:
        return (True,)
    said = (False, read.content, read.complete, read.keep, read.closed)
    return said if case.short else (*said, read.status)


@pytest.mark.parametrize("name", CASES)
def test_every_answer_is_taken_for_what_it_is_in_one_piece_and_in_many(name: str) -> None:
    case = CASES[name]
    whole = outcome([case.wire], case.method)
    assert told(whole, case) == meant(case)
    assert outcome(fine(case.wire), case.method) == whole


@pytest.mark.parametrize("name", CASES)
def test_and_so_it_is_on_a_connection_that_has_served_before(name: str) -> None:
    case = CASES[name]
    alone = outcome([case.wire], case.method)
    assert outcome([case.wire], case.method, before=[BEFORE]) == alone
    assert outcome(fine(case.wire), case.method, before=fine(BEFORE)) == alone


@given(st.sampled_from(list(CASES)), st.lists(st.integers(min_value=0), max_size=12))
def test_wherever_it_is_cut(name: str, places: list[int]) -> None:
    case = CASES[name]
    assert outcome(cut(case.wire, places), case.method) == outcome([case.wire], case.method)


def changed(wire: bytes, changes: Sequence[tuple[int, int, bytes]]) -> bytes:
    """`wire`, with some of its bytes left out and others put in."""
    for place, left_out, put_in in changes:
        at = place % (len(wire) + 1)
        wire = wire[:at] + put_in + wire[at + left_out :]
    return wire or b"\n"


MARKS = (b"", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b";", b",", b"0", b"1", b"x", b"\x80")
LINES = (
    b"HTTP/1.1 ",
    b"HTTP/1.1 103 -\r\n\r\n",
    b"RTSP/1.0 200 OK\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 2\r\n",
    b"Connection: close\r\n",
    b"2\r\nhi\r\n",
    b"0\r\n\r\n",
    b"gzip, ",
)
BITS = st.sampled_from(MARKS + LINES)
CHANGES = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 12), BITS), max_size=4)


@given(
    st.sampled_from(SMALL),
    st.sampled_from(SMALL),
    CHANGES,
    st.lists(st.integers(min_value=0), max_size=12),
    st.sampled_from([b"GET", b"HEAD"]),
)
@example("interim: 103", "status line: rtsp", [], [], b"GET")
def test_whatever_becomes_of_answers_is_taken_for_the_same_however_it_is_cut(
    one: str, other: str, changes: list[tuple[int, int, bytes]], places: list[int], method: bytes
) -> None:
    wire = changed(CASES[one].wire + CASES[other].wire, changes)
    whole = outcome([wire], method)
    assert outcome(fine(wire), method) == whole
    assert outcome(cut(wire, places), method) == whole


def chunked(draw: st.DrawFn) -> Iterator[bytes]:
    """Chunks whose framing is as large as may be, and a little larger."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(draw(st.integers(0, 6))):
        content = b"c" * draw(st.integers(1, 3000))
        extension = b";" + b"e" * draw(st.integers(0, HEAD_LIMIT // 2))
        yield b"%x%b\r\n%b\r\n" % (len(content), extension, content) * draw(st.integers(1, 4))
        yield b"1\r\nx\r\n" * draw(st.integers(0, 3000))
    yield b"0\r\n" + b"X: %b\r\n" % (b"t" * draw(st.integers(0, HEAD_LIMIT + 20))) * draw(st.integers(0, 3)) + b"\r\n"


@st.composite
def heavy(draw: st.DrawFn) -> bytes:
    """An answer that is near the limit in one way or another."""
    return b"".join(chunked(draw))


@given(heavy(), st.lists(st.integers(min_value=0), max_size=30))
def test_how_much_is_too_much_is_judged_at_the_same_byte_however_it_is_cut(wire: bytes, places: list[int]) -> None:
    whole = outcome([wire])
    assert outcome(cut(wire, places)) == whole
    assert outcome(cut(wire, range(0, len(wire), 997))) == whole
