"""Which heads leave."""

import pytest

from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.stages.fit import fit, weight
from runtime.http.problem import MISBEHAVED, Problem
from runtime.http.sizes import ANSWER_FIELDS
from tests.calls import Stream
from tests.exchanges import exchange


def filling(size: int) -> list[Header]:
    """Fields of exactly `size` bytes."""
    return [(b"a", b"b"), (b"x", bytes(size - weight([(b"a", b"b"), (b"x", b"")])))]


def answering(response: Response, *told: Header) -> Handler:
    async def answer(asked: Exchange) -> Response:
        asked.told += told
        return response

    return answer


def test_a_field_is_a_line() -> None:
    assert weight([(b"etag", b'"1"'), (b"a", b"")]) == len('etag: "1"\r\na: \r\n')


async def test_what_just_fits_passes_as_it_is() -> None:
    response = Response(200, filling(ANSWER_FIELDS), b"content")
    assert await fit(answering(response))(exchange()) is response


@pytest.mark.parametrize("told", [[], filling(100)])
async def test_what_does_not_is_misbehaviour_whoever_added_the_last_byte(told: list[Header]) -> None:
    stream = Stream()
    response = Response(200, filling(ANSWER_FIELDS + 1 - weight(told)), b"", stream)
    with pytest.raises(Problem) as raised:
        await fit(answering(response, *told))(exchange())
    assert type(raised.value) is Problem  # and nothing that a circuit or a retry would take for a failure
    assert raised.value.kind is MISBEHAVED
    assert stream.closed


async def test_what_was_held_for_it_is_released() -> None:
    released: list[bool] = []
    response = Response(200, filling(ANSWER_FIELDS + 1), at_end=[lambda: released.append(True)])
    with pytest.raises(Problem):
        await fit(answering(response))(exchange())
    assert released == [True]
