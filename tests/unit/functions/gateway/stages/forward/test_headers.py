"""Which fields cross the gateway, and that nothing in them can split a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.forward.errors import Misuse
from functions.gateway.stages.forward.headers import addressed, head, incoming, outgoing

HOST = (b"host", b"shop.example")


def test_hop_by_hop_fields_end_here() -> None:
    names = [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
    assert outgoing([HOST, *((name, b"x") for name in names)]) == [HOST]
    assert incoming([(b"server", b"s"), *((name, b"x") for name in names)]) == [(b"server", b"s")]


def test_a_service_of_others_is_asked_by_its_own_name_and_told_the_one_that_was_asked_for() -> None:
    accept = (b"accept", b"*/*")
    assert addressed([accept, HOST], b"legacy") == [(b"host", b"legacy"), accept, (b"x-forwarded-host", HOST[1])]


def test_fields_that_connection_names_end_here_too() -> None:
    headers = [
        HOST,
        (b"connection", b"close, X-Trace"),
        (b"x-trace", b"1"),
        (b"connection", b" x-more "),
        (b"x-more", b"2"),
    ]
    assert outgoing(headers) == [HOST]
    assert incoming(headers) == [HOST]


def test_a_client_cannot_have_host_dropped_by_naming_it() -> None:
    assert outgoing([HOST, (b"connection", b"host")]) == [HOST]


def test_content_length_goes_on_to_the_client_but_is_written_anew_for_the_instance() -> None:
    assert outgoing([HOST, (b"content-length", b"3")]) == [HOST]
    assert incoming([(b"content-length", b"3")]) == [(b"content-length", b"3")]


def test_an_expectation_that_the_gateway_has_met_ends_here() -> None:
    assert outgoing([HOST, (b"expect", b"100-continue")]) == [HOST]


def test_repeated_fields_stay_apart_and_in_order() -> None:
    cookies = [(b"set-cookie", b"a=1"), (b"vary", b"*"), (b"set-cookie", b"b=2")]
    assert incoming(cookies) == cookies


def test_a_head_holds_target_and_fields_byte_for_byte() -> None:
    text = head(b"GET", b'/users/%2e%2e?q="\\', [HOST, (b"x-name", b"caf\xe9")], 0)
    assert text == b'GET /users/%2e%2e?q="\\ HTTP/1.1\r\nhost: shop.example\r\nx-name: caf\xe9\r\n\r\n'


@pytest.mark.parametrize(
    ("method", "length", "framing"),
    [
        (b"POST", 5, b"content-length: 5\r\n"),
        (b"POST", 0, b"content-length: 0\r\n"),
        (b"POST", None, b"transfer-encoding: chunked\r\n"),
        (b"GET", 5, b"content-length: 5\r\n"),
        (b"GET", 0, b""),
    ],
)
def test_a_head_frames_the_body_by_its_length(method: bytes, length: int | None, framing: bytes) -> None:
    assert head(method, b"/", [HOST], length) == method + b" / HTTP/1.1\r\nhost: shop.example\r\n" + framing + b"\r\n"


@pytest.mark.parametrize("framing", [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")])
def test_framing_that_the_caller_wrote_is_refused(framing: tuple[bytes, bytes]) -> None:
    with pytest.raises(Misuse):
        head(b"POST", b"/", [HOST, framing], 5)


@given(
    bad=st.sampled_from([b"\r", b"\n", b"\0", b"\r\n", b"\n\r"]),
    before=st.binary(max_size=8),
    after=st.binary(max_size=8),
    place=st.sampled_from(["method", "target", "name", "value"]),
)
def test_what_could_split_a_request_is_refused_wherever_it_stands(
    bad: bytes, before: bytes, after: bytes, place: str
) -> None:
    parts = {"method": b"GET", "target": b"/", "name": b"x", "value": b"y"}
    parts[place] = before + bad + after
    with pytest.raises(Misuse):
        head(parts["method"], parts["target"], [HOST, (parts["name"], parts["value"])], 0)


def test_a_space_in_the_target_is_refused() -> None:
    with pytest.raises(Misuse):
        head(b"GET", b"/a HTTP/1.1 /b", [HOST], 0)
