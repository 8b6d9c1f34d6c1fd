"""What a request is said to be: ids, addresses and traces, and what of a client's words is believed."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.exchange import Exchange, Header
from functions.gateway.stages.identify import client_address, identify, trusting
from tests.exchanges import Below, exchange

PROXY = "10.0.0.1"
TRUSTED = trusting("10.0.0.0/8, fd00::/8")
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def identified(*headers: Header, client: str = "192.0.2.1") -> Exchange:
    below = Below()
    await identify(TRUSTED, lambda: "new")(below)(exchange(headers=headers, client=client))
    return below.seen[0]


def told(seen: Exchange, name: bytes) -> list[bytes]:
    """What the function is told under `name`, by whoever it is."""
    return [value for said, value in seen.headers + seen.added if said == name]


@pytest.mark.parametrize("given_id", [b"a", b"A.b_c-9", b"x" * 128])
async def test_a_request_keeps_the_id_that_its_client_gave(given_id: bytes) -> None:
    seen = await identified((b"x-request-id", given_id))
    assert (seen.request_id, told(seen, b"x-request-id")) == (given_id.decode(), [given_id])


@pytest.mark.parametrize("given_id", [b"", b"x" * 129, b"a b", b"a\n", b'"a"', b"\xc3\xa9", b"a/b"])
async def test_an_id_that_breaks_the_rule_is_replaced(given_id: bytes) -> None:
    seen = await identified((b"x-request-id", given_id))
    assert (seen.request_id, told(seen, b"x-request-id")) == ("new", [b"new"])


async def test_two_ids_are_none() -> None:
    assert (await identified((b"x-request-id", b"a"), (b"x-request-id", b"b"))).request_id == "new"


@pytest.mark.parametrize(
    "name",
    [
        *(b"x-deadline-ms", b"forwarded", b"x-forwarded-host", b"x-instance", b"x-real-ip", b"tracestate"),
        *(b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"true-client-ip", b"x-forwarded-prefix"),
        *(b"proxy", b"x-forwarded-scheme", b"x-forwarded-anything", b"x-forwarded", b"forwarded-for"),
        *(b"front-end-https", b"x-url-scheme", b"x-scheme", b"x-host", b"x-http-host-override", b"client-ip"),
        *(b"x-remote-addr", b"cf-connecting-ip", b"x-envoy-original-path", b"x-script-name", b"x-sendfile-type"),
        *(b"x-accel-mapping", b"remote-user", b"x-remote-user", b"x-auth-request-user"),
    ],
)
@pytest.mark.parametrize("client", ["192.0.2.1", PROXY])
async def test_what_only_the_gateway_may_say_is_taken_out(name: bytes, client: str) -> None:
    assert told(await identified((name, b"spoofed"), client=client), name) == []


@pytest.mark.parametrize("name", [b"x_request_id", b"x_deadline_ms", b"x-forwarded_for", b"_"])
async def test_a_name_that_some_servers_would_read_as_another_is_taken_out(name: bytes) -> None:
    assert told(await identified((name, b"spoofed")), name) == []


async def test_what_is_not_ours_passes_as_it_came_in_its_order() -> None:
    headers = [(b"accept", b"a"), (b"cookie", b"\xff"), (b"accept", b"b"), (b"authorization", b"Bearer x")]
    assert (await identified(*headers)).headers == headers


async def test_a_stranger_is_not_believed_about_its_address() -> None:
    seen = await identified((b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https"))
    assert seen.client == "192.0.2.1"
    assert told(seen, b"x-forwarded-for") == [b"192.0.2.1"]
    assert told(seen, b"x-forwarded-proto") == [b"http"]


async def test_a_trusted_proxy_is_believed_about_its_client() -> None:
    seen = await identified(
        (b"x-forwarded-for", b"198.51.100.7, 203.0.113.9"), (b"x-forwarded-proto", b"https"), client=PROXY
    )
    assert seen.client == "203.0.113.9"
    assert told(seen, b"x-forwarded-for") == [b"203.0.113.9"]
    assert told(seen, b"x-forwarded-proto") == [b"https"]


async def test_two_lines_of_hops_are_one_list() -> None:
    seen = await identified((b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"10.0.0.2"), client=PROXY)
    assert seen.client == "203.0.113.9"


async def test_a_trace_is_continued_with_its_state() -> None:
    seen = await identified((b"traceparent", PARENT), (b"tracestate", b"a=1"), (b"tracestate", b"b=2"))
    assert told(seen, b"traceparent") == [PARENT]
    assert told(seen, b"tracestate") == [b"a=1,b=2"]


@pytest.mark.parametrize("parent", [None, b"nonsense", PARENT.replace(b"00-0", b"ff-0"), PARENT + b"-x"])
async def test_a_trace_is_started_where_none_can_be_continued(parent: bytes | None) -> None:
    headers = [(b"tracestate", b"a=1"), *([(b"traceparent", parent)] if parent else [])]
    seen = await identified(*headers)
    (started,) = told(seen, b"traceparent")
    assert started != parent
    assert len(started) == 55
    assert told(seen, b"tracestate") == []


async def test_two_parents_are_none() -> None:
    seen = await identified((b"traceparent", PARENT), (b"traceparent", PARENT))
    assert told(seen, b"traceparent") != [PARENT]


async def test_requests_without_a_trace_are_different_traces() -> None:
    assert told(await identified(), b"traceparent") != told(await identified(), b"traceparent")


@pytest.mark.parametrize(
    ("hops", "nearest"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.9, unknown", PROXY),
        ("1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("", PROXY),
        ("2001:DB8::1", "2001:db8::1"),
        ("203.0.113.9, fd00::1", "203.0.113.9"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_not_trusted(hops: str, nearest: str) -> None:
    assert client_address(PROXY, hops.encode(), TRUSTED) == nearest


ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(network="10.0.0.0/8").map(str),
    st.sampled_from(["unknown", "", "_hidden", "10.0.0.1:80", "[::1]", "999.1.1.1", "10.0.0.1\x00", "é"]),
)


@given(st.ip_addresses().map(str).filter(lambda peer: not TRUSTED(peer)), st.lists(ADDRESSES))
def test_an_untrusted_peer_is_its_own_client_whatever_it_says(peer: str, hops: list[str]) -> None:
    assert client_address(peer, ",".join(hops).encode("latin-1"), TRUSTED) == peer


@given(st.lists(ADDRESSES))
def test_every_hop_between_the_gateway_and_the_client_is_trusted(hops: list[str]) -> None:
    found = client_address(PROXY, ",".join(hops).encode("latin-1"), TRUSTED)
    ip_address(found)
    path = [PROXY, *reversed(hops)]
    known = [hop for hop in path if not TRUSTED(hop)][:1]
    assert TRUSTED(found) or found == str(ip_address(known[0]))


@given(st.ip_addresses().map(str))
def test_an_address_is_trusted_when_a_network_holds_it(address: str) -> None:
    networks = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    assert TRUSTED(address) == any(ip_address(address) in network for network in networks)


@pytest.mark.parametrize("address", ["", "10.0.0", "localhost", "10.0.0.1 "])
def test_what_is_no_address_is_not_trusted(address: str) -> None:
    assert not TRUSTED(address)


def test_without_networks_nobody_is_trusted() -> None:
    assert not trusting("")("127.0.0.1")


@pytest.mark.parametrize("networks", ["10.0.0.0/33", "10.0.0.1/8", "proxies"])
def test_what_is_no_network_is_an_error(networks: str) -> None:
    with pytest.raises(ValueError, match=networks.split("/", maxsplit=1)[0]):
        trusting(networks)


@pytest.mark.parametrize(
    ("said", "client", "scheme"),
    [
        (b"https", PROXY, b"https"),
        (b"http", PROXY, b"http"),
        (b"HTTPS", PROXY, b"https"),
        (b"https,http", PROXY, b"http"),
        (b"wss\xff", PROXY, b"http"),
        (b"https", "203.0.113.9", b"http"),
    ],
)
async def test_a_scheme_is_believed_of_trusted_hops_and_is_one_of_two(said: bytes, client: str, scheme: bytes) -> None:
    seen = await identified((b"x-forwarded-proto", said), client=client)
    assert seen.scheme == scheme
    assert told(seen, b"x-forwarded-proto") == [scheme]
