"""runtime/serving/cancellation.py: what nobody waits for ends, and nothing else does."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.serving import cancellation as module
from runtime.serving.answered import Unanswered
from runtime.serving.cancellation import awaited
from runtime.serving.deadline import Deadline, current
from runtime.telemetry.metrics import Metrics
from runtime.telemetry.request_metrics import counted
from tests.calls import scope
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken, holds

SOON = 0.03  # seconds
LENGTH = (b"content-length", b"6")


class Caller:
    """Who calls: has sent these parts of a body, and goes when told to."""

    def __init__(self, *body: bytes, more: bool = False) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self.got: list[Message] = []
        for number, part in enumerate(body or (b"",), 1):
            unfinished = more or number < len(body)
            self._said.put_nowait({"type": "http.request", "body": part, "more_body": unfinished})

    async def receive(self) -> Message:
        message = await self._said.get()
        if message["type"] == "http.disconnect":
            self.leave()  # it is said as often as it is asked for
        return message

    async def send(self, message: Message) -> None:
        self.got.append(message)

    def leave(self) -> None:
        self._said.put_nowait({"type": "http.disconnect"})

    @property
    def unread(self) -> int:
        """How many messages nobody asked for."""
        return self._said.qsize()

    def call(self, app: ASGIApp, *headers: tuple[bytes, bytes]) -> "asyncio.Task[None]":
        """A call, as a server makes one: on a task of its own."""
        return asyncio.ensure_future(awaited(app)(scope("GET", "/things/1", b"", *headers), self.receive, self.send))

    @property
    def statuses(self) -> list[int]:
        return [message["status"] for message in self.got if message["type"] == "http.response.start"]


class Work:
    """An application that hangs, once it has done `first`; it remembers how it ended."""

    def __init__(self, first: Callable[[Receive, Send], object] | None = None) -> None:
        self._first = first
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        if self._first is not None:
            await self._first(receive, send)  # type: ignore[misc]  # a coroutine function
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


async def begin(_receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def answer(send: Send, status: int = 200, body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@pytest.fixture(autouse=True)
def no_deadline() -> Iterator[None]:
    yield
    current.set(None)


def after(seconds: float) -> None:
    """The deadline of calls from now on."""
    current.set(Deadline.after(seconds))


# What fails.


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


async def begin_and_fail(_scope: Scope, receive: Receive, send: Send) -> None:
    await begin(receive, send)
    raise ZeroDivisionError


async def wait_and_fail(_scope: Scope, receive: Receive, _send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ZeroDivisionError


async def test_what_fails_before_it_answers_is_500_in_words_and_left_to_the_server_to_log() -> None:
    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        await caller.call(fail, (b"x-request-id", b"r-1"))
    problem = json.loads(caller.got[1]["body"])
    assert caller.statuses == [problem["status"]] == [500]
    assert (problem["type"], problem["request_id"]) == ("/problems/internal-error", "r-1")
    assert not caller.got[1]["more_body"]


class Panic(BaseException):
    """As a library in another language raises it."""


async def panic(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise Panic


async def leave_the_process(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise SystemExit(3)


async def wait_for_what_was_cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
    waited = asyncio.get_running_loop().create_future()
    waited.cancel()
    await waited


async def return_at_once(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pass


async def read_and_return(_scope: Scope, receive: Receive, _send: Send) -> None:
    await receive()


UNFIT = {
    panic: Panic,
    leave_the_process: Unanswered,  # nothing that would end the process, and everybody's call with it
    wait_for_what_was_cancelled: asyncio.CancelledError,
    return_at_once: Unanswered,
    read_and_return: Unanswered,
}


@pytest.mark.parametrize("body", [(), (b"a", b"b", b"c")], ids=["", "with a body"])
@pytest.mark.parametrize(("app", "raised"), UNFIT.items(), ids=lambda each: each.__name__)
async def test_however_it_fails_to_answer_its_caller_is_told_so(
    app: ASGIApp, raised: type[BaseException], body: tuple[bytes, ...]
) -> None:
    caller = Caller(*body)
    with pytest.raises(raised):
        await caller.call(app, *([(b"content-length", b"3")] if body else []))
    assert (caller.statuses, json.loads(caller.got[1]["body"])["type"]) == ([500], "/problems/internal-error")
    assert not caller.unread or not body


async def swallow_the_end(_scope: Scope, _receive: Receive, _send: Send) -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def fail_at_the_end(_scope: Scope, _receive: Receive, _send: Send) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ZeroDivisionError


@pytest.mark.parametrize("app", [swallow_the_end, fail_at_the_end], ids=lambda app: app.__name__)
async def test_what_is_too_late_is_504_whatever_it_makes_of_its_end(app: ASGIApp) -> None:
    after(0.05)
    caller = Caller()
    call = caller.call(app)
    await asyncio.wait([call])
    assert isinstance(call.exception(), ZeroDivisionError if app is fail_at_the_end else type(None))
    assert (caller.statuses, call.cancelling()) == ([504], 0)


async def test_who_has_gone_is_answered_nothing_also_where_that_was_swallowed() -> None:
    caller = Caller()
    call = caller.call(swallow_the_end)
    caller.leave()
    await call
    assert caller.got == []


async def test_what_has_begun_to_answer_is_given_no_second_one() -> None:
    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        await caller.call(begin_and_fail)
    assert (caller.statuses, len(caller.got)) == ([200], 1)


async def test_who_has_gone_is_answered_nothing() -> None:
    caller = Caller()
    call = caller.call(wait_and_fail)
    caller.leave()
    with pytest.raises(ZeroDivisionError):
        await call
    assert caller.got == []


# The deadline.


@pytest.mark.parametrize("left", [0.0, 0.001, 0.004])
async def test_what_cannot_be_done_in_time_is_refused_before_it_begins(left: float) -> None:
    caller, work = Caller(), Work()
    after(left)
    await caller.call(work, (b"x-request-id", b"r-1"))
    assert (caller.statuses, work.begun.is_set()) == ([504], False)
    problem = json.loads(caller.got[1]["body"])
    assert (problem["type"], problem["instance"], problem["request_id"]) == (
        "/problems/deadline-exceeded",
        "/things/1",
        "r-1",
    )


async def test_what_is_not_done_in_time_is_ended_and_said_to_be() -> None:
    caller, work = Caller(), Work()
    after(SOON)
    call = caller.call(work)
    await call
    assert (caller.statuses, work.ended.is_set(), call.cancelling()) == ([504], True, 0)


async def test_what_is_ended_may_take_its_time_to_clean_up() -> None:
    cleaned = asyncio.Event()

    async def careful(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.shield(asyncio.sleep(0))
            cleaned.set()

    caller = Caller()
    after(SOON)
    await caller.call(careful)
    assert (caller.statuses, cleaned.is_set()) == ([504], True)


async def test_an_answer_that_has_begun_is_in_time_however_long_it_goes_on() -> None:
    async def streaming(_scope: Scope, receive: Receive, send: Send) -> None:
        await begin(receive, send)
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(SOON * 2, later.set)  # a timer that comes after that of the deadline
        await later.wait()
        await send({"type": "http.response.body", "body": b"late", "more_body": False})

    caller = Caller()
    after(SOON)
    await caller.call(streaming)
    assert caller.got[-1]["body"] == b"late"


async def test_an_answer_that_is_given_in_spite_of_the_end_stands_alone() -> None:
    async def stubborn(_scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await answer(send, 409)

    caller = Caller()
    after(SOON)
    call = caller.call(stubborn)
    await call
    assert (caller.statuses, call.cancelling()) == ([409], 0)


async def test_an_answer_that_is_half_given_when_it_ends_gets_no_second_head() -> None:
    async def torn(_scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await begin(receive, send)

    caller = Caller()
    after(SOON)
    await caller.call(torn)
    assert caller.statuses == [200]


# Whoever called has gone.


async def read_all(receive: Receive, _send: Send) -> None:
    while (await receive())["more_body"]:
        pass


@pytest.mark.parametrize("first", [None, read_all, begin], ids=["at work", "body read", "answering"])
async def test_a_caller_who_goes_ends_the_call(first: Callable[[Receive, Send], object] | None) -> None:
    caller, work = Caller(), Work(first)
    call = caller.call(work)
    await work.begun.wait()
    caller.leave()
    await call
    assert work.ended.is_set()
    assert call.cancelling() == 0
    assert caller.statuses == ([200] if first is begin else [])


async def test_a_caller_who_goes_before_the_end_of_its_body_ends_the_call() -> None:
    caller, work = Caller(b"abc", more=True), Work(read_all)
    call = caller.call(work, LENGTH)
    caller.leave()
    await call
    assert (work.begun.is_set(), caller.got) == (False, [])


async def test_a_caller_who_goes_before_the_end_of_its_body_ends_what_another_task_reads_it_for() -> None:
    async def reading(receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read_all(receive, send))
            await asyncio.Event().wait()

    caller, work = Caller(b"abc", more=True), Work(reading)
    call = caller.call(work, LENGTH)
    caller.leave()
    await call
    assert (work.begun.is_set(), caller.got) == (False, [])


async def test_a_long_body_is_read_in_peace() -> None:
    """Nobody but the application asks for it, however long it takes."""
    waited = asyncio.Event()

    async def slow(_scope: Scope, receive: Receive, send: Send) -> None:
        await waited.wait()
        first, second = await receive(), await receive()
        await answer(send, body=first["body"] + second["body"])

    caller = Caller(b"abc", b"def")
    call = caller.call(slow, LENGTH)
    asyncio.get_running_loop().call_later(SOON, waited.set)
    await call
    assert caller.got[-1]["body"] == b"abcdef"


async def test_what_the_application_had_not_asked_for_yet_is_kept_for_it() -> None:
    waited = asyncio.Event()

    async def late(_scope: Scope, receive: Receive, send: Send) -> None:
        await waited.wait()
        messages = [await receive()]
        loop.call_soon(caller.leave)  # when it asks for more
        messages += [await receive() for _ in range(2)]
        await answer(send, body=" ".join(message["type"] for message in messages).encode())

    caller, loop = Caller(), asyncio.get_running_loop()
    call = caller.call(late)
    loop.call_later(SOON, waited.set)
    await call
    assert caller.got[-1]["body"] == b"http.request http.disconnect http.disconnect"


async def test_who_asks_whether_the_caller_is_there_is_told_and_not_ended() -> None:
    told: list[str] = []

    async def watching(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            pass
        told.append(message["type"])
        await asyncio.sleep(0)
        told.append("went on")

    caller = Caller()
    call = caller.call(watching)
    asyncio.get_running_loop().call_later(SOON, caller.leave)
    await call
    assert told == ["http.disconnect", "went on"]


async def test_a_body_that_the_application_does_not_want_is_read_on() -> None:
    async def refuses(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer(send, 413)

    caller = Caller(b"abc", b"def")
    await caller.call(refuses, LENGTH)
    assert caller.statuses == [413]
    assert caller.unread == 0


async def test_nor_does_what_is_refused_before_it_begins_leave_any_unread() -> None:
    after(0)
    caller = Caller(b"abc", b"def")
    await caller.call(Work(), LENGTH)
    assert (caller.statuses, caller.unread) == ([504], 0)


async def test_what_goes_on_after_the_answer_is_nobodys_business() -> None:
    async def thorough(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer(send)
        caller.leave()
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(SOON, later.set)
        await later.wait()
        finished.set()

    finished = asyncio.Event()
    caller = Caller()
    after(SOON / 2)
    await caller.call(thorough)
    assert (caller.statuses, finished.is_set()) == ([200], True)


async def test_a_server_that_stops_is_not_taken_for_a_caller_who_goes() -> None:
    caller, work = Caller(), Work()
    call = caller.call(work)
    await work.begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert caller.got == []


async def test_who_left_is_counted_apart_from_what_failed() -> None:
    metrics, caller, work = Metrics(), Caller(), Work()
    served = counted(awaited(work), metrics)
    call = asyncio.ensure_future(served(scope(), caller.receive, caller.send))
    await work.begun.wait()
    caller.leave()
    await call
    assert b'portico_function_requests_total{route="none",status="499"} 1\n' in metrics.text()


# Whatever happens in whatever order.

STEPS = ["read", "begin", "part", "pause", "hang", "answer"]
NO_WORK = "a call whose caller has gone ends"
CLEAN = "a cancellation that was for the call alone is taken back"
ONE_HEAD = "no more than one head leaves"


class Acts:
    """An application that does these steps until it has answered, or is told that nobody is there."""

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps
        self._begun = False
        self._over = False
        self.alive = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.alive = True
        try:
            for step in self._steps:
                if self._over:
                    return
                await getattr(self, step)(receive, send)
        finally:
            self.alive = False

    async def read(self, receive: Receive, _send: Send) -> None:
        self._over = (await receive())["type"] == "http.disconnect"

    async def begin(self, receive: Receive, send: Send) -> None:
        if not self._begun:
            self._begun = True
            await begin(receive, send)

    async def part(self, receive: Receive, send: Send) -> None:
        await self.begin(receive, send)
        await send({"type": "http.response.body", "body": b"part", "more_body": True})

    async def pause(self, _receive: Receive, _send: Send) -> None:
        await asyncio.sleep(0)

    async def hang(self, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    async def answer(self, receive: Receive, send: Send) -> None:
        await self.begin(receive, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        self._over = True


LATER = -1
PATIENCE = 5.0  # seconds for what takes some milliseconds: only a call that does not end at all is still there then


async def played(
    steps: list[str], leaves: int, seconds: float | None, moment: float, patience: float = PATIENCE
) -> None:
    """A call of these steps; the caller leaves after so many turns of the loop, or LATER."""
    caller, acts = Caller(b"abc"), Acts(steps)
    current.set(None if seconds is None else Deadline.after(seconds))

    async def go() -> None:
        for _ in range(leaves):
            await asyncio.sleep(0)
        if leaves == LATER:
            await asyncio.sleep(0.03)  # after the shortest deadline, however busy the machine
        caller.leave()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOMENT", moment)
        call = caller.call(acts, (b"content-length", b"3"))
        call.add_done_callback(lambda call: call.cancelled() or call.exception())  # a planted bug may leave one
        leaving = asyncio.create_task(go())
        await asyncio.wait({call, leaving}, timeout=patience)
    holds(NO_WORK, call.done() and not acts.alive)
    holds(CLEAN, not call.cancelled() and call.cancelling() == 0)
    holds(ONE_HEAD, len(caller.statuses) <= 1)


CALLS = given(
    steps=st.lists(st.sampled_from(STEPS), max_size=5).map(lambda steps: ["read", *steps, "hang"]),
    leaves=st.just(LATER) | st.integers(0, 12),
    seconds=st.sampled_from([None, 0.0, 0.02]),
    moment=st.sampled_from([0.0, 0.002]),
)


@settings(BOUNDS, max_examples=20 * EXAMPLES)
@CALLS
def test_a_call_ends_cleanly_whatever_it_does_and_whenever_its_caller_goes(
    steps: list[str], leaves: int, seconds: float | None, moment: float
) -> None:
    asyncio.run(played(steps, leaves, seconds, moment))


class NeverEnds(module._Call):
    """Whoever goes is nobody's business."""

    def _end(self) -> None:
        pass


class KeepsTheCancellation(module._Call):
    """Whoever serves the next call on this task finds it cancelled."""

    def close(self) -> None:
        if self._ending:
            self._task.cancel()  # one more than is taken back
        super().close()


class ForgetsTheHead(module._Call):
    """Says that it was late, also when an answer has begun."""

    @property
    def answering(self) -> bool:
        return False

    @answering.setter
    def answering(self, _answering: bool) -> None:
        pass


async def test_a_message_without_a_body_has_an_empty_one() -> None:
    """ASGI lets a server leave it out (HTTP & WebSocket specification, "Request"), and not everybody looks."""
    heard: list[Message] = []

    async def said() -> Message:
        return {"type": "http.request"}

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(await receive())
        await answer(send)

    await awaited(app)(scope(), said, Caller().send)
    assert [message["body"] for message in heard] == [b""]


@pytest.mark.parametrize(
    ("planted", "invariant", "patience"),
    [(NeverEnds, NO_WORK, 0.2), (KeepsTheCancellation, CLEAN, PATIENCE), (ForgetsTheHead, ONE_HEAD, PATIENCE)],
)
def test_a_planted_bug_is_found(
    planted: type, invariant: str, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_Call", planted)

    @UNTIL_FOUND
    @CALLS
    def play(steps: list[str], leaves: int, seconds: float | None, moment: float) -> None:
        asyncio.run(played(steps, leaves, seconds, moment, patience))

    with pytest.raises(Broken, match=invariant):
        play()
