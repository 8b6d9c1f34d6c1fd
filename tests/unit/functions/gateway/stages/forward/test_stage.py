"""The innermost stage: what goes to the instance, and what its failures are called."""

import pytest

from functions.gateway.exchange import Header, Receive, Response
from functions.gateway.inbound import ClientLeft
from functions.gateway.stages.forward import errors
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.forward.stage import InstanceFailed, forward
from runtime.http.problem import BODY_TOO_LARGE, DEADLINE_EXCEEDED, MALFORMED, MISBEHAVED, UNREACHABLE, Kind, Problem
from runtime.serving.deadline import Deadline
from tests.exchanges import everything, exchange


class Opening:
    """The rest of a body that never comes."""

    ended = False

    async def read(self) -> bytes:
        return b""

    def close(self) -> None:
        """There is nothing to close."""


class Wire(Client):
    """A client without sockets: notes what it is to send, and gives the answer or the failure it was made with."""

    def __init__(self, answer: Response | Exception) -> None:
        super().__init__()
        self.answer = answer
        self.sent: list[tuple[str, bytes, bytes, int | None]] = []
        self.headers: list[Header] = []
        self.body = b""

    async def send(
        self,
        instance: str,
        method: bytes,
        target: bytes,
        headers: list[Header],
        body: Receive | bytes,
        length: int | None,
    ) -> Response:
        self.sent.append((instance, method, target, length))
        self.headers = headers
        self.body = body if isinstance(body, bytes) else await everything(body)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def fine(*headers: Header, streaming: bool = False) -> Response:
    return Response(200, list(headers), b"", Opening() if streaming else None)


async def failure(error: Exception) -> InstanceFailed:
    with pytest.raises(InstanceFailed) as raised:
        await forward(Wire(error))(exchange())
    return raised.value


async def test_a_target_goes_on_byte_for_byte() -> None:
    wire = Wire(fine())
    asked = exchange(b"PUT", b"/a%2Fb/%C3%A9?q=a+b&q=%20;", length=None)
    asked.instance = "127.0.0.1:9"
    await forward(wire)(asked)
    assert wire.sent == [("127.0.0.1:9", b"PUT", b"/a%2Fb/%C3%A9?q=a+b&q=%20;", None)]


async def test_what_ends_at_this_hop_is_not_passed_on() -> None:
    wire = Wire(fine())
    dropped = [(b"connection", b"x-mine, close"), (b"x-mine", b"1"), (b"keep-alive", b"9"), (b"te", b"trailers")]
    await forward(wire)(exchange(headers=[(b"host", b"a"), *dropped, (b"accept", b"b")]))
    assert wire.headers == [(b"host", b"a"), (b"accept", b"b")]


async def test_a_client_cannot_have_our_own_fields_dropped() -> None:
    wire = Wire(fine())
    asked = exchange(headers=[(b"connection", b"x-request-id, x-deadline-ms")])
    asked.added = [(b"x-request-id", b"7")]
    asked.deadline = Deadline(12.5, lambda: 10.0)
    await forward(wire)(asked)
    assert wire.headers == [(b"x-request-id", b"7"), (b"x-deadline-ms", b"2500")]


async def test_a_body_goes_on_as_it_comes() -> None:
    wire = Wire(fine())
    await forward(wire)(exchange(b"POST", b"/", [], b"ab", b"c", length=3))
    assert wire.body == b"abc"


async def test_a_body_that_was_kept_goes_on_whole() -> None:
    wire = Wire(fine())
    asked = exchange(b"POST", b"/", [], length=3)
    asked.body = b"abc"
    await forward(wire)(asked)
    assert wire.body == b"abc"


async def test_an_answer_stays_as_it_is() -> None:
    headers = [(b"set-cookie", b"a=1"), (b"content-type", b"text/html"), (b"set-cookie", b"b=2")]
    assert (await forward(Wire(fine(*headers, streaming=True)))(exchange())).headers == headers


@pytest.mark.parametrize(
    ("error", "kind", "sent"),
    [
        (errors.ConnectFailed("a:1: refused"), UNREACHABLE, False),
        (errors.ConnectionStale("closed"), UNREACHABLE, True),
        (errors.ConnectionBroken("closed"), UNREACHABLE, True),
        (errors.HeadTimeout("late"), DEADLINE_EXCEEDED, True),
        (errors.IdleTimeout("silent"), MISBEHAVED, True),
        (errors.Misbehaved("nonsense"), MISBEHAVED, True),
    ],
)
async def test_every_failure_of_an_instance_has_a_name(error: errors.ForwardError, kind: Kind, sent: bool) -> None:  # noqa: FBT001  a row of a table
    problem = await failure(error)
    assert (problem.kind, problem.sent) == (kind, sent)


def test_no_failure_of_an_instance_is_forgotten() -> None:
    from functions.gateway.stages.forward.stage import _KINDS  # noqa: PLC0415  the table that has to be whole

    assert set(errors.ForwardError.__subclasses__()) - {errors.UploadFailed} == set(_KINDS)


async def test_nothing_of_the_inside_is_told() -> None:
    problem = await failure(errors.ConnectFailed("10.1.2.3:8000: [Errno 111] Connect call failed"))
    assert b"10.1.2.3" not in problem.body("/things/1", "id")


@pytest.mark.parametrize("cause", [ClientLeft(), Problem(BODY_TOO_LARGE)])
async def test_what_the_clients_body_raised_is_raised_again(cause: Exception) -> None:
    failed = errors.UploadFailed("broke off")
    failed.__cause__ = cause
    with pytest.raises(type(cause)) as raised:
        await forward(Wire(failed))(exchange())
    assert raised.value is cause


async def test_a_body_that_stops_coming_is_the_clients_fault() -> None:
    with pytest.raises(Problem) as raised:
        await forward(Wire(errors.UploadFailed("the client's body stopped coming")))(exchange())
    assert raised.value.kind is MALFORMED


async def test_a_service_of_others_is_asked_by_its_own_name() -> None:
    wire = Wire(fine())
    await forward(wire, b"legacy")(exchange(headers=[(b"host", b"shop.example")]))
    assert wire.headers[0] == (b"host", b"legacy")
    assert (b"x-forwarded-host", b"shop.example") in wire.headers
