"""Says what a request is: its id, whose address it comes from, its place in a trace.

Headers that only the gateway may set are taken out, whoever sent them, and written anew. Proxies that are not trusted
are clients like any other.
"""

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from functions.gateway.exchange import Exchange, Handler, Header, Response, Stage
from runtime.serving.deadline import HEADER as DEADLINE
from runtime.telemetry.trace import traceparent, tracestate

REQUEST_ID = b"x-request-id"
_OURS = frozenset(
    {
        REQUEST_ID,
        DEADLINE,
        b"forwarded",
        b"traceparent",
        b"tracestate",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-instance",
        b"x-real-ip",
    }
)
# Some servers take these for the word of a proxy: another path, host, scheme, method, client, user or way out. Beside
# them is whatever begins with x-forwarded or x-auth-request-.
_PROXYS = frozenset(
    {
        b"cf-connecting-ip",
        b"client-ip",
        b"fastly-client-ip",
        b"forwarded-for",
        b"front-end-https",
        b"proxy",
        b"remote-user",
        b"true-client-ip",
        b"x-accel-mapping",
        b"x-azure-clientip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
        b"x-envoy-original-path",
        b"x-host",
        b"x-http-host-override",
        b"x-http-method",
        b"x-http-method-override",
        b"x-method-override",
        b"x-original-host",
        b"x-original-method",
        b"x-original-uri",
        b"x-original-url",
        b"x-originating-ip",
        b"x-remote-addr",
        b"x-remote-ip",
        b"x-remote-user",
        b"x-rewrite-url",
        b"x-scheme",
        b"x-script-name",
        b"x-sendfile-type",
        b"x-url-scheme",
        b"x-webauth-user",
    }
)
_TAKEN = _OURS | _PROXYS
_ALL_OF = (b"x-forwarded", b"x-auth-request-")
_UNDERSCORE = ord("_")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

Trusted = Callable[[str], bool]


def identify(trusted: Trusted, new_id: Callable[[], str]) -> Stage:
    """`new_id` names a request whose client did not."""

    def stage(handler: Handler) -> Handler:
        def identified(exchange: Exchange) -> Awaitable[Response]:  # no coroutine: nothing is left to do afterwards
            kept, said = _sorted_out(exchange.headers)
            exchange.request_id = request_id(said.get(REQUEST_ID), new_id)
            behind_proxy = trusted(exchange.client)
            if behind_proxy and (hops := said.get(b"x-forwarded-for")):
                exchange.client = client_address(exchange.client, hops, trusted)
            if behind_proxy and said.get(b"x-forwarded-proto", b"").lower() == b"https":
                exchange.scheme = b"https"
            exchange.added = [
                (REQUEST_ID, exchange.request_id.encode()),
                (b"x-forwarded-for", exchange.client.encode()),
                (b"x-forwarded-proto", exchange.scheme),
                *_trace(said.get(b"traceparent"), said.get(b"tracestate")),
            ]
            exchange.headers = kept
            return handler(exchange)

        return identified

    return stage


def request_id(given: bytes | None, new_id: Callable[[], str]) -> str:
    """`given` where a client may choose it, else a new one."""
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else new_id()


def _sorted_out(headers: list[Header]) -> tuple[list[Header], dict[bytes, bytes]]:
    """What may pass, and what was said under names that are ours.

    Lines of one name are one list (RFC 9110, section 5.3), so what may be said once only is not valid when said twice.
    """
    kept: list[Header] = []
    said: dict[bytes, bytes] = {}
    for header in headers:
        name, value = header
        if name in _TAKEN:
            said[name] = b"%b,%b" % (said[name], value) if name in said else value
        elif _UNDERSCORE not in name and not name.startswith(_ALL_OF):  # CGI-like servers read x_request_id, too
            kept.append(header)
    return kept, said


def _trace(parent: bytes | None, state: bytes | None) -> list[Header]:
    """The state belongs to the parent it came with, and ends where a new trace starts (level 2, section 3.3.1)."""
    sent = traceparent(parent)
    if state and sent == parent and (kept := tracestate(state)):
        return [(b"traceparent", sent), (b"tracestate", kept)]
    return [(b"traceparent", sent)]


def client_address(peer: str, forwarded_for: bytes, trusted: Trusted) -> str:
    """The nearest address that is not a trusted hop's, from right to left; the peer's own where that fails."""
    nearest = peer
    for hop in reversed(forwarded_for.decode("latin-1").split(",")):
        if not trusted(nearest):
            break
        address = _address(hop)
        if address is None:
            break
        nearest = address
    return nearest


@lru_cache(maxsize=10_000)
def _address(text: str) -> str | None:
    """`text` as an address is written; None where it is none. Parsing one costs more than a request may."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None


def trusting(networks: str) -> Trusted:
    """Whether an address is in one of `networks` ("10.0.0.0/8, 127.0.0.1/32"). Raises ValueError for what is none."""
    known = [ip_network(network.strip()) for network in networks.split(",") if network.strip()]
    answers: dict[str, bool] = {}  # parsing an address costs more than a request may

    def trusted(address: str) -> bool:
        if address not in answers:
            if len(answers) > 10_000:
                answers.clear()
            answers[address] = _inside(address)
        return answers[address]

    def _inside(address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in known)
        except ValueError:
            return False

    return trusted
