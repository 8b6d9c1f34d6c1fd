"""Whatever one client asks, and whatever a service answers it, others see nothing of it: with one gateway and four."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from deploy.chaos import odd
from deploy.chaos.offences import KB, Offence, answer, chunked, head, preflight, sized, status
from deploy.chaos.wire import Request, Wire
from deploy.engine import GATEWAY
from deploy.local.layout import Layout
from tests.contract.functions.gateway.town import ROOT, Town
from tests.contract.wire.conftest import running
from tests.contract.wire.test_fuzz import CASES, SEED
from tests.ports import free_port

ODD = """
name = "odd"
[upstream]
url = "http://127.0.0.1:{port}"
[defaults]
auth = "public"
retries = 0
[[route]]
match = "GET /odd/{{rest...}}"
[[route]]
match = "POST /odd/{{rest...}}"
[[route]]
match = "POST /refused/small"
body = "1KiB"
[[route]]
match = "POST /refused/token"
auth = "bearer"
body = "4MiB"
[[route]]
match = "POST /refused/limited"
limit = "1/1h"
body = "4MiB"
[[route]]
match = "PUT /refused/{{rest...}}"
body = "4MiB"
"""
WELL_BETWEEN = 8  # so many good answers after each odd one, that no circuit opens
LEFT = 1.0  # seconds, after which a client that has said half of something leaves
RATE = 100  # requests of others a second
OTHERS = (Request("GET", "/echo", {}), Request("POST", "/echo", {"Content-Type": "text/plain"}, b"body"))


@dataclass(frozen=True)
class Front(Layout):
    """A layout in which the first slots are these gateways', and nobody's the others."""

    gateways: tuple[int, ...] = ()
    functions_of: Path = Path()

    def slots(self, function: str) -> dict[str, int]:
        names = super().slots(function)
        if function != GATEWAY:
            return names
        return dict(zip(names, (*self.gateways, *list(names.values())[len(self.gateways) :]), strict=True))

    @property
    def manifests(self) -> Path:
        return self.functions_of


class Others:
    """Everybody else, at a steady rate whatever comes back; `wrong` is what was not answered with 200."""

    def __init__(self, port: int) -> None:
        self._wire = Wire(f"http://127.0.0.1:{port}")
        self.asked = 0
        self.wrong: list[str] = []

    @asynccontextmanager
    async def about(self) -> AsyncIterator[None]:
        asking = asyncio.create_task(self._come())
        try:
            yield
        finally:
            asking.cancel()
            await asyncio.wait({asking})
            self._wire.close()

    async def _come(self) -> None:
        async with asyncio.TaskGroup() as crowd:
            while True:
                crowd.create_task(self._ask(OTHERS[self.asked % len(OTHERS)]))
                self.asked += 1
                await asyncio.sleep(1 / RATE)

    async def _ask(self, request: Request) -> None:
        try:
            if (came := await self._wire.send(request)).status != 200:
                self.wrong.append(f"{request.method}: {came.status} {came.body[:200]!r}")
        except Exception as error:  # noqa: BLE001  each is one that somebody saw
            self.wrong.append(f"{request.method}: {error!r}")


@pytest.fixture(scope="module")
def odd_port() -> int:
    return free_port()


@pytest.fixture(scope="module", params=[1, 4], ids=["one gateway", "four"])
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_url: str, odd_port: int
) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("bystanders")
    (folder / "functions" / "odd").mkdir(parents=True)
    (folder / "functions" / "odd" / "function.toml").write_text(ODD.format(port=odd_port))
    town = Town(folder, redis_url, name=f"bystanders-{request.param}", gateways=request.param)
    yield town
    town.end()


@pytest.fixture(scope="module")
def port(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """nginx's, before those gateways."""
    gateways = tuple(gateway.port for gateway in town.gateways)
    functions = Path(town.told["FUNCTIONS_DIR"])
    layout = Front(ROOT, tmp_path_factory.mktemp("door"), free_port(), gateways=gateways, functions_of=functions)
    with running(layout):
        yield layout.port


@pytest.fixture
async def service(odd_port: int) -> AsyncIterator[None]:
    server = await asyncio.start_server(odd.serve, "127.0.0.1", odd_port)
    yield
    server.close()


async def said(port: int, offence: Offence, patience: float = 30.0) -> bytes:
    """What it was answered, or why it wasn't."""
    try:
        return await answer(offence, "127.0.0.1", port, patience)
    except (ConnectionError, TimeoutError) as error:
        return repr(error).encode()


async def asked(port: int, offences: Iterable[Offence], times: int = 3) -> dict[str, list[bytes]]:
    """Each, so many times; who is answered otherwise than is right, and what they are told."""
    wrong = {}
    for offence in offences:
        answers = [await said(port, offence) for _ in range(times)]
        if {status(each) for each in answers} != {offence.right}:
            wrong[offence.name] = [each[-300:] for each in answers]
    return wrong


# What a route refuses; another one of its path takes more, so that nginx does, and the gateway is who refuses.
REFUSED = {
    "POST /refused/small": 413,
    "POST /refused/token": 401,
    "PATCH /refused/token": 405,
    "POST /refused/limited": 429,
    "POST /refused/token/%2e%2e/small": 400,
}


def bodies() -> Iterator[Offence]:
    for line, right in REFUSED.items():
        for size in (2 * KB, 60 * KB, 100 * KB, 1000 * KB, 2100 * KB):
            for framing in (sized, chunked):
                yield Offence(f"{line} {size} {framing.__name__}", framing(line.encode(), bytes(size)), right)
        slow = sized(line.encode(), bytes(200 * KB))
        yield Offence(f"{line} slowly", slow, right, slowly=True)
        yield Offence(f"{line} expected", sized(line.encode(), bytes(200 * KB), b"Expect: 100-continue"), right)


async def test_bodies_that_nobody_reads(port: int) -> None:
    others = Others(port)
    await said(port, Offence("the only permit", head(b"POST /refused/limited"), 0))
    async with others.about():
        wrong = await asked(port, bodies())
    assert (wrong, others.wrong) == ({}, [])
    assert others.asked


@pytest.mark.usefixtures("service")
async def test_heads_that_clients_make_long(port: int) -> None:
    others = Others(port)
    async with others.about():
        wrong = await asked(port, heads())
    assert (wrong, others.wrong) == ({}, [])


def heads() -> Iterator[Offence]:
    yield Offence("repeated", preflight(b",".join([b"if-match"] * 1500), b"/pages"), 403)
    yield Offence("repeated, of the page", preflight(b"if-match," * 1500, b"/pages", b"https://shop.example"), 204)
    yield Offence("unknown", preflight(b",".join(b"x-%05d" % n for n in range(1700)), b"/pages"), 403)
    yield Offence("fields", head(b"GET /echo", *(b"X-%d: " % n + b"x" * 15 * KB for n in range(3))), 200)
    yield Offence("target", head(b"GET /echo?" + b"a" * 15 * KB), 200)
    yield Offence("redirect", head(b"GET /odd/redirect/" + b"a" * 13 * KB), 302)
    yield Offence("quoting redirect", head(b"GET /odd/redirect/a?" + b"/" * 13 * KB), 502)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_answers_that_are_none(port: int, method: str) -> None:
    """Each is the gateway's own refusal, or what the service said; never nginx's."""
    others, wrong = Others(port), {}
    body = bytes(300 * KB) if method == "POST" else b""
    async with others.about():
        for case in odd.CASES:
            target = f"{method} /odd/{case}".encode()
            answers = [await said(port, Offence(case, sized(target, body), 0)) for _ in range(2)]
            if faults := [fault for each in answers if (fault := odd.amiss(each))]:
                wrong[case] = faults
            for _ in range(WELL_BETWEEN):
                await said(port, Offence("well", head(b"GET /odd/well"), 200))
    assert (wrong, others.wrong) == ({}, [])


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("size", [*range(30 * 1024, 34 * 1024, 256), 70_000])
async def test_a_head_is_passed_on_or_misbehaviour_and_always_the_same(port: int, town: Town, size: int) -> None:
    right = 200 if size <= 30 * 1024 else 502 if size > 31 * 1024 else 0
    answers = [await said(port, Offence("", head(b"GET /odd/head-%d" % size), right)) for _ in range(2)]
    statuses = {status(each) for each in answers}
    assert len(statuses) == 1
    assert right in (0, *statuses)
    for each in answers:
        assert status(each) == 200 or b'"/problems/upstream-misbehaved"' in each, (each[-300:], town.logs()[-2000:])


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("length", ["above", "far-above", "beyond"])
async def test_a_length_that_nginx_can_not_count_is_misbehaviour(port: int, length: str, method: bytes) -> None:
    """It is none to nginx, which made a whole answer of one that was cut."""
    asked = Offence("", head(method + b" /odd/length-%b-200" % length.encode()), 502)
    assert status(await said(port, asked)) == 502
    for _ in range(WELL_BETWEEN):
        await said(port, Offence("well", head(b"GET /odd/well"), 200))


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("service")
async def test_whatever_is_asked_in_whatever_order(port: int) -> None:
    """`just fuzz` asks for more, with another seed each time."""
    random = Random(SEED)  # noqa: S311  the same seed must make the same cases
    answers = (Offence(case, head(b"GET /odd/" + case.encode()), 0) for case in odd.CASES)
    everything = [*bodies(), *heads(), *by_server(), *answers]
    others = Others(port)
    async with others.about():
        for _ in range(max(1, CASES // 100)):
            chosen = random.choices(everything, k=8)
            await asyncio.gather(*(said(port, cut(random, offence), LEFT) for offence in chosen))
    assert others.wrong == []


def by_server() -> Iterator[Offence]:
    """What a gateway's server refuses before any code of ours, and closes with the body unread."""
    for fields in ([b"X: a\x01b"], [b"X: a\x7fb"], [b"X-%d: a" % number for number in range(120)]):
        for size in (60 * KB, 1000 * KB):
            yield Offence("by the server", sized(b"PUT /refused/token", bytes(size), *fields), 0)


def cut(random: Random, offence: Offence) -> Offence:
    """Some of them end early, or have a byte more, or a field; the connection is closed all the same."""
    match random.randint(0, 5):
        case 0:
            sent = offence.sent[: random.randrange(len(offence.sent))]
        case 1:
            sent = offence.sent + b"x"
        case 2:
            sent = offence.sent.replace(b"\r\n", b"\r\nX-%d: " % random.getrandbits(20) + b"x" * 9000 + b"\r\n", 1)
        case _:
            sent = offence.sent
    return Offence(offence.name, sent, 0, slowly=random.random() < 0.1)
