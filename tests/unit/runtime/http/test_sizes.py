"""All that is said about how many bytes are taken, by whoever says it, fits together.

In a chain: what one passes on the next takes, so that whoever refuses is the one that can say why.
"""

import re
from pathlib import Path

from functions.gateway.outbound import PIECE
from functions.gateway.routes import CEILINGS, DEFAULTS
from functions.gateway.stages.fit import weight
from functions.gateway.stages.forward.answer import HEAD_LIMIT
from functions.gateway.stages.forward.connection import HIGH_WATER
from functions.gateway.stages.keep import KEPT
from runtime.http import sizes
from runtime.http.problem import KINDS
from runtime.units import Size

ROOT = Path(__file__).parents[4]
NGINX = ROOT / "nginx"
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}

TAKERS = 4  # addresses that may leave as many answers unread as each may have requests, before nginx has no memory left

ADDED = 2048  # bytes that nginx adds to a request's head: X-Forwarded-For and -Proto, X-Request-Id, Host


def said(directive: str) -> list[int]:
    """The numbers that a directive of nginx says, wherever it stands; in bytes where it has a unit."""
    text = "\n".join(file.read_text() for file in sorted(NGINX.rglob("*.*")))
    found = " ".join({*re.findall(rf"^\s*{directive} ([0-9km ]+);", text, re.MULTILINE)})
    return [int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([km]?)", found)]


# A request's head.


def test_a_head_that_nginx_takes_is_one_that_a_gateway_takes_and_a_function() -> None:
    number, size = said("large_client_header_buffers")
    assert number * size + ADDED <= sizes.REQUEST_HEAD


# An answer's.


def test_a_head_that_leaves_a_gateway_is_one_that_nginx_takes() -> None:
    (buffer,) = said("proxy_buffer_size")
    longest = max(len(f"HTTP/1.1 {kind.status} {kind.title}\r\n") for kind in KINDS)
    by_server = weight([(b"date", bytes(29)), (b"connection", b"close"), (b"transfer-encoding", b"chunked")])
    by_edge = weight([(b"x-request-id", bytes(128)), (b"x-instance", bytes(255)), (b"content-length", bytes(20))])
    assert sizes.ANSWER_FIELDS + longest + by_server + by_edge + len("\r\n") < buffer


def test_a_gateway_reads_heads_that_it_then_refuses_to_pass_on() -> None:
    assert HEAD_LIMIT == sizes.READ_HEAD > sizes.ANSWER_FIELDS


def test_nginx_has_buffers_for_a_head_and_more() -> None:
    (buffer,), (_, each), (busy,) = said("proxy_buffer_size"), said("proxy_buffers"), said("proxy_busy_buffers_size")
    assert buffer <= each <= busy
    assert busy >= PIECE
    assert HIGH_WATER <= sizes.READ_HEAD


def test_answers_that_a_few_addresses_leave_unread_fit_in_nginx_s_memory() -> None:
    """By HTTP/2 asking for one takes some ten bytes, so what bounds it is how many there may be of one address."""
    ((of_one,), (buffer,), (number, each)) = said("limit_conn of_one"), said("proxy_buffer_size"), said("proxy_buffers")
    nginx = (ROOT / "deploy/docker/stack.yml").read_text().partition("\n  nginx:")[2].partition("\n\n")[0]
    ((files, memory),) = re.findall(r"client_body:\S*size=(\w+).*mem_limit: (\w+)", nginx, re.DOTALL)
    left = _bytes(memory) - _bytes(files)  # files of bodies are counted as memory there
    assert TAKERS * of_one * (buffer + number * each) < left


def _bytes(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]


# A body.


def test_what_nginx_holds_in_memory_a_gateway_holds_too() -> None:
    (held,) = said("client_body_buffer_size")
    assert {*said("client_max_body_size")} == {0, held} == {0, sizes.HELD_BODY}
    assert KEPT == sizes.HELD_BODY


def test_no_route_takes_more_than_is_read_on() -> None:
    assert CEILINGS["body"] == Size(sizes.LARGEST_BODY)
    assert DEFAULTS.body is not None
    assert DEFAULTS.body <= sizes.LARGEST_BODY
