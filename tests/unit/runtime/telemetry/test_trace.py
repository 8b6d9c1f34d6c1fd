"""runtime/telemetry/trace.py: a trace is continued, or started."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.telemetry.trace import traceparent, tracestate

GIVEN = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "valid", [GIVEN, GIVEN[:-2] + b"00", b"01" + GIVEN[2:], b"cc" + GIVEN[2:] + b"-what-the-future"]
)
def test_a_valid_trace_goes_on_as_it_came(valid: bytes) -> None:
    assert traceparent(valid) == valid


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"00",
        GIVEN.upper(),
        b"ff" + GIVEN[2:],
        GIVEN + b"-more",
        GIVEN + b"\n",
        b" " + GIVEN,
        b"00-" + b"0" * 32 + GIVEN[35:],
        GIVEN[:36] + b"0" * 16 + b"-01",
        b"01" + GIVEN[2:] + b"more",
    ],
)
def test_a_broken_one_is_replaced_by_a_new_trace(broken: bytes) -> None:
    assert traceparent(broken) != broken


def test_a_request_without_one_starts_a_trace_that_nobody_asked_to_sample() -> None:
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-02", traceparent(None))


def test_no_two_requests_start_the_same_trace() -> None:
    assert len({traceparent(None) for _ in range(1000)}) == 1000


@given(st.binary() | st.from_regex(rb"[0-9a-f]{2}-[0-9a-fA-F]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-.*)?"))
def test_what_goes_on_is_valid_whatever_came(junk: bytes) -> None:
    sent = traceparent(junk)
    assert re.fullmatch(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[^\n]*)?", sent)
    assert traceparent(sent) == sent


# The state.


def member(length: int, key: str = "k") -> bytes:
    """A member of so many bytes."""
    return (key + "=" + "v" * (length - len(key) - 1)).encode()


MANY = b",".join(b"k%d=1" % number for number in range(32))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (b"foo=1", b"foo=1"),
        (b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        (b"foo=1 \t , \t bar=2, \t baz=3", b"foo=1,bar=2,baz=3"),
        (b" foo=1 ", b"foo=1"),
        (b"foo=1,,bar=2,", b"foo=1,bar=2"),
        (b"", b""),
        (b" , ", b""),
        (b"fw529a3039@dt=FfAAAAA", b"fw529a3039@dt=FfAAAAA"),
        (b"0a_-*/@z=1", b"0a_-*/@z=1"),
        (b"t" * 241 + b"@" + b"v" * 14 + b"=1", b"t" * 241 + b"@" + b"v" * 14 + b"=1"),
        (b"k= a b", b"k= a b"),
        (b"k=!\"#$%&'()*+-./0:;<>?@A[\\]^_`a{|}~", b"k=!\"#$%&'()*+-./0:;<>?@A[\\]^_`a{|}~"),
        (b"k" * 256 + b"=" + b"v" * 255, b"k" * 256 + b"=" + b"v" * 255),
        (MANY, MANY),
    ],
)
def test_a_state_that_can_be_parsed_goes_on(given: bytes, sent: bytes) -> None:
    assert tracestate(given) == sent


@pytest.mark.parametrize(
    "broken",
    [
        b"foo",
        b"foo=",
        b"=1",
        b"foo=1,bar",
        b"foo =1",
        b"foo= ",
        b"FOO=1",
        b"foo=1,Bar=2",
        b"_foo=1",
        b"@foo=1",
        b"foo@=1,bar=2",
        b"foo@@bar=1,bar=2",
        b"foo@bar@baz=1,bar=2",
        b"foo@1=1",
        b"foo=1," + b"t" * 242 + b"@v=1",
        b"foo=1,t@" + b"v" * 15 + b"=1",
        b"foo.bar=1",
        b"f\xc3\xb6=1",
        b"foo=a=b",
        b"foo=a\tb",
        b"foo=\xff",
        b"foo=a\x7f",
        b"foo=1\n",
        b"foo=1;bar=2",
        b"foo=1,bar=2,foo=3",
        b"k" * 257 + b"=1",
        b"k=" + b"v" * 257,
        MANY + b",more=1",
        b"x" * 8192,
    ],
)
def test_one_that_breaks_the_rules_is_dropped_as_a_whole(broken: bytes) -> None:
    assert tracestate(broken) == b""


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([100, 100, 100, 100, 108], 5),  # 512 with what is between
        ([100, 100, 100, 100, 109], 4),
        ([129, 100, 100, 100, 100], 4),
        ([128, 128, 128, 128], 3),
        ([200, 200, 120], 2),
        ([256, 256], 1),
    ],
)
def test_one_that_is_too_long_loses_its_largest_members_and_then_its_last(lengths: list[int], kept: int) -> None:
    members = [member(length, key) for key, length in zip("abcde", lengths, strict=False)]
    sent = tracestate(b",".join(members)).split(b",")
    assert len(sent) == kept
    assert len(b",".join(sent)) <= 512
    assert sent == [each for each in members if each in sent]
    dropped = [each for each in members if each not in sent]
    assert all(len(each) > 128 for each in dropped) or dropped == members[kept:]


@given(st.binary() | st.from_regex(rb"([a-zA-Z0-9@_]{0,3}=?[ -~]{0,200},?[ \t]?){0,40}", fullmatch=True))
def test_what_goes_on_of_a_state_goes_on_at_the_next_hop(junk: bytes) -> None:
    sent = tracestate(junk)
    assert len(sent) <= 512
    assert tracestate(sent) == sent
