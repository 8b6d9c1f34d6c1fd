"""runtime/serving/answered.py: every call ends with a whole answer, or with an exception that the server sees."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.asgi import Receive, Scope, Send
from runtime.serving.answered import Unanswered, answered
from runtime.serving.cancellation import awaited
from tests.calls import Server, scope

STEPS = {
    "ask": None,
    "begin": {"type": "http.response.start", "status": 200, "headers": []},
    "part": {"type": "http.response.body", "body": b"part", "more_body": True},
    "end": {"type": "http.response.body", "body": b"", "more_body": False},
    "end without a word": {"type": "http.response.body"},
}


async def called(*steps: str, ended: bool = True) -> list[str | int]:
    """What an application that does this sends; the server may have ended the call."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        for step in steps:
            message = STEPS[step]
            await (send(dict(message)) if message else receive())

    server = Server(*([] if ended else [b"part"] * len(steps)))
    server.leave()
    await answered(app)(scope(), server.receive, server.send)
    return [message.get("status", "body") for message in server.got]


async def test_a_whole_answer_is_nobodys_business() -> None:
    for end in ("end", "end without a word"):
        assert await called("begin", "part", end) == [200, "body", "body"]
        assert await called("ask", "begin", end) == [200, "body"]
        assert await called("ask", "begin", end, ended=False) == [200, "body"]


async def test_a_call_that_was_ended_before_its_answer_began_is_503() -> None:
    assert await called("ask") == [503, "body"]
    assert await called("ask", "ask") == [503, "body"]


async def test_half_an_answer_is_no_answer_whoever_ended_it() -> None:
    for steps in (["begin"], ["begin", "part"], ["ask", "begin"], ["begin", "ask"]):
        for ended in (True, False):
            with pytest.raises(Unanswered, match="half answered"):
                await called(*steps, ended=ended)


async def test_a_call_that_ends_without_a_word_has_failed_as_nobody_ended_it() -> None:
    with pytest.raises(Unanswered, match="not answered"):
        await called()
    with pytest.raises(Unanswered, match="not answered"):
        await called("ask", ended=False)


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_what_is_raised_goes_on_to_the_server(error: type[BaseException]) -> None:
    async def failing(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        raise error

    server = Server()
    server.leave()
    with pytest.raises(error):
        await answered(failing)(scope(), server.receive, server.send)
    assert server.got == []


@given(st.lists(st.sampled_from(["ask", "begin", "part", "end", "hang"]), max_size=5), st.integers(0, 8))
def test_whatever_a_call_does_and_whenever_it_is_ended_it_never_ends_without_an_answer(
    steps: list[str], turns: int
) -> None:
    """Together with what cancels it."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        for step in steps:
            if step == "hang":
                await asyncio.Event().wait()
            if step == "ask":
                await receive()
                return  # nobody is there, as it was told
            if not begun:
                begun = True
                await send(dict(STEPS["begin"] or {}))
            if step != "begin":
                await send(dict(STEPS[step] or {}))
            if step == "end":
                return

    async def played(patch: pytest.MonkeyPatch) -> None:
        patch.setattr("runtime.serving.cancellation._MOMENT", 0.001)
        server = Server()
        call = asyncio.ensure_future(answered(awaited(app))(scope(), server.receive, server.send))
        for _ in range(turns):
            await asyncio.sleep(0)
        server.leave()
        (told,) = await asyncio.gather(call, return_exceptions=True)
        whole = bool(server.got) and server.got[-1]["type"] == "http.response.body" and server.complete
        assert whole or isinstance(told, Unanswered), (told, server.got)
        assert told is None or isinstance(told, Unanswered)
        assert not (whole and told) or server.got[0]["status"] == 500  # answered in its place, and raised to be logged

    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(played(patch))
