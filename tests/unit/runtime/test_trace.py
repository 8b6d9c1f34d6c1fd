"""runtime/trace.py: a trace is continued, or started."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.trace import traceparent

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
