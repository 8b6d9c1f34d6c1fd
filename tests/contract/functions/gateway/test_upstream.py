"""A service that others run, over TLS, behind a real gateway that was told of it by a manifest alone."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.authority import Authority
from tests.contract.functions.gateway.stages.forward.peer import Asked, Script, Wire, listening
from tests.contract.functions.gateway.town import ROOT, Served

MANIFEST = """
name = "legacy"

[upstream]
url = "{scheme}://localhost:{port}"

[[route]]
match = "GET /legacy/{{path...}}"
auth = "public"
"""
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

Gate = Callable[..., Served]


@pytest.fixture
def gate(tmp_path: Path, redis_url: str) -> Iterator[Gate]:
    """Starts a gateway in front of that service alone."""
    started: list[Served] = []

    def start(instance: str, manifest: str = MANIFEST, scheme: str = "https", **environment: str) -> Served:
        functions = tmp_path / f"functions-{len(started)}"
        (functions / "legacy").mkdir(parents=True)
        manifest = manifest.format(scheme=scheme, port=instance.rpartition(":")[2])
        (functions / "legacy/function.toml").write_text(manifest)
        told = {"FUNCTIONS_DIR": str(functions), "DISCOVERY": f"directory:{tmp_path}"}
        started.append(Served(ROOT / "functions/gateway", **told, REDIS_URL=redis_url, **environment))
        return started[-1]

    yield start
    for served in started:
        served.kill()


async def test_it_is_asked_by_its_own_name_once_it_has_shown_its_certificate(
    tmp_path: Path, gate: Gate, person: httpx.AsyncClient
) -> None:
    authority = Authority(tmp_path)
    asked: list[Asked] = []

    async def service(wire: Wire) -> None:
        asked.append(await wire.request())
        await wire.send(HELLO)

    async with listening(service, tls=authority.server("localhost")) as peer:
        gateway = gate(peer.instance, SSL_CERT_FILE=str(authority.bundle))
        document = (await person.get(f"{gateway.url}/openapi.json")).json()
        answer = await person.get(f"{gateway.url}/legacy/a%20b/?c", headers={"X-Forwarded-Host": "forged"})
    assert list(document["paths"]) == ["/legacy/{path}"]
    assert (answer.status_code, answer.text) == (200, "hello")
    assert asked[0].line == b"GET /legacy/a%20b/?c HTTP/1.1"
    fields = dict(field.split(b": ", 1) for field in asked[0].fields)
    own = b"localhost:%d" % int(peer.instance.rpartition(":")[2])
    assert (fields[b"host"], fields[b"x-forwarded-host"]) == (own, gateway.url.removeprefix("http://").encode())


async def test_one_that_shows_a_strangers_certificate_is_told_nothing(
    tmp_path: Path, gate: Gate, person: httpx.AsyncClient
) -> None:
    async def service(wire: Wire) -> None:
        raise AssertionError(await wire.request())

    async with listening(service, service, tls=Authority(tmp_path).server("localhost")) as peer:
        gateway = gate(peer.instance)
        answer = await person.get(f"{gateway.url}/legacy/a")
    assert (answer.status_code, answer.json()["type"]) == (502, "/problems/upstream-unreachable")
    gateway.stop()
    gateway.ended()
    assert any("certificate verify failed" in line for line in gateway.log)


def leading(back: list[Served], asked: list[Asked]) -> Script:
    """A service that passes what it is asked on to one of those gateways after the other, byte for byte."""

    async def service(wire: Wire) -> None:
        asked.append(await wire.request())
        reader, writer = await asyncio.open_connection("127.0.0.1", back[len(asked) % len(back)].port)
        writer.write(asked[-1].head + asked[-1].content)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await wire.send(head + await reader.readexactly(length))
        writer.close()

    return service


@pytest.mark.parametrize("gateways", [1, 2])
async def test_a_service_that_leads_back_is_asked_once(gate: Gate, person: httpx.AsyncClient, gateways: int) -> None:
    back: list[Served] = []
    asked: list[Asked] = []
    async with listening(*[leading(back, asked)] * 20) as peer:
        back += [gate(peer.instance, scheme="http") for _ in range(gateways)]
        answer = await person.get(f"{back[0].url}/legacy/a")
    assert (len(asked), answer.status_code, answer.json()["type"]) == (1, 508, "/problems/loop-detected")
    assert answer.headers["proxy-status"] == 'portico; error=proxy_loop_detected; details="loop-detected"'


async def test_another_stack_may_be_on_the_way_and_a_way_through_it_that_leads_back_ends(
    gate: Gate, person: httpx.AsyncClient
) -> None:
    back: list[Served] = []
    asked: list[Asked] = []

    async def ends(wire: Wire) -> None:
        asked.append(await wire.request())
        await wire.send(HELLO)

    async with listening(ends, *[leading(back, asked)] * 20) as peer:
        other = gate(peer.instance, scheme="http", TOKEN_ISSUER="another")
        back.append(gate(f"127.0.0.1:{other.port}", scheme="http"))
        through = await person.get(f"{back[0].url}/legacy/a", headers={"CDN-Loop": "strange; a=b"})
        looped = await person.get(f"{back[0].url}/legacy/a")
    assert (through.status_code, through.text) == (200, "hello")
    said = [field.split(b": ")[1] for field in asked[0].fields if field.startswith(b"cdn-loop: ")]
    assert (said[0], len(set(said))) == (b"strange; a=b", 3)
    assert (len(asked), looped.status_code) == (2, 508)


LONE = """
name = "legacy"

[upstream]
url = "http://127.0.0.1:{port}"

[circuit]
open = "1ms"
longest = "1ms"

[[route]]
match = "GET /legacy/{{path...}}"
auth = "public"

[[route]]
match = "PUT /legacy/{{path...}}"
auth = "public"
"""
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nill"


async def test_one_bad_path_of_a_lone_service_takes_no_other_and_who_comes_when_it_is_back_waits_for_the_probe(
    gate: Gate, person: httpx.AsyncClient
) -> None:
    lines: list[bytes] = []

    async def service(wire: Wire) -> None:
        while True:
            lines.append((await wire.request()).line)
            await wire.send(BAD if b"/bad" in lines[-1] else HELLO)

    connections = [service] * 100
    async with listening(*connections) as peer:
        port = int(peer.instance.rpartition(":")[2])
        url = f"{gate(peer.instance, LONE).url}/legacy"
        for _ in range(20):
            assert (await person.get(f"{url}/bad")).status_code == 503
            assert (await person.get(f"{url}/good")).status_code == 200
        assert lines == [b"GET /legacy/bad HTTP/1.1", b"GET /legacy/good HTTP/1.1"] * 20
    assert {(await person.get(f"{url}/good")).status_code for _ in range(20)} <= {502, 503}
    async with listening(*connections, port=port):
        crowd = [person.put(f"{url}/{number}", content=b"x") for number in range(25)]
        assert [answer.status_code for answer in await asyncio.gather(*crowd)] == [200] * 25
