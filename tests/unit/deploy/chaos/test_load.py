import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from deploy.chaos import load as loading
from deploy.chaos import wire
from deploy.chaos.load import Load, slug
from deploy.chaos.sample import Kind
from deploy.chaos.traffic import Call
from deploy.chaos.wire import Answer, Broken, Request

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = Answer(200, {}, b"{}")
PROBLEM = Answer(
    503, {"content-type": "application/problem+json", "retry-after": "0"}, b'{"type": "/problems/overloaded"}'
)


class Calls:
    """One call after another of each kind; `stop` is called after so many."""

    def __init__(self, number: int) -> None:
        self.kinds = [*Kind] * number
        self.answers: list[Call] = []
        self.stop: Callable[[], None] = lambda: None

    def next(self) -> Call:
        kind = self.kinds.pop()
        if not self.kinds:
            self.stop()
        return Call(kind, "x", Request("GET", f"/{kind}/{len(self.kinds)}", {}))

    def answered(self, call: Call, _answer: Answer) -> None:
        self.answers.append(call)


class Sender:
    """Gives each target these answers, one after the other, and then good ones."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.sent: Counter[str] = Counter()
        self._answers = answers

    async def send(self, request: Request) -> Answer:
        turn = self.sent[request.target]
        self.sent[request.target] += 1
        answer = self._answers[turn] if turn < len(self._answers) else GOOD
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run(sender: wire.Sender, *, resends: bool = False, number: int = 2) -> tuple[Load, Calls]:
    calls = Calls(number)
    load = Load(sender, calls, rate=10_000)
    load.resends = resends
    calls.stop = load.stop
    await load.run()
    return load, calls


async def test_every_request_is_sent_once_and_its_answer_passed_on() -> None:
    sender = Sender()
    load, calls = await run(sender)
    assert set(sender.sent.values()) == {1}
    assert len(load.samples) == len(calls.answers) == 2 * len(Kind)
    assert all(sample.ok and sample.sends == 1 for sample in load.samples)


async def test_nothing_is_sent_again_unless_that_is_allowed() -> None:
    sender = Sender(PROBLEM)
    load, calls = await run(sender)
    assert set(sender.sent.values()) == {1}
    assert calls.answers == []
    assert {(sample.status, sample.said) for sample in load.samples} == {(503, "/problems/overloaded")}


@pytest.mark.parametrize("failure", [PROBLEM, Broken("the connection was closed"), ConnectionRefusedError()])
async def test_what_may_be_repeated_is_sent_once_more_and_what_may_not_is_not(
    failure: Answer | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_BREATH", 0.0)
    load, _ = await run(Sender(failure), resends=True)
    assert {(sample.kind, sample.ok, sample.sends) for sample in load.samples} == {
        (kind, kind.repeatable, 1 + kind.repeatable) for kind in Kind
    }


async def test_a_second_failure_is_final() -> None:
    sender = Sender(PROBLEM, PROBLEM)
    load, _ = await run(sender, resends=True)
    assert max(sender.sent.values()) == 2
    assert not any(sample.ok for sample in load.samples)


async def test_a_refusal_is_not_sent_again() -> None:
    sender = Sender(Answer(409, {}, b"no"))
    await run(sender, resends=True)
    assert set(sender.sent.values()) == {1}


async def test_requests_begin_when_they_are_due_whatever_those_before_them_wait_for() -> None:
    """None is answered before all are sent: a load that waited for answers would never get that far."""
    everything = asyncio.Event()

    class Last(Sender):
        async def send(self, request: Request) -> Answer:
            answer = await super().send(request)
            if self.sent.total() == 2 * len(Kind):
                everything.set()
            await everything.wait()
            return answer

    load, _ = await run(Last())
    assert len(load.samples) == 2 * len(Kind)


async def test_it_has_settled_when_what_is_sent_once_more_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_BREATH", 0.0)
    begun, answer = asyncio.Event(), asyncio.Event()

    class Second(Sender):
        async def send(self, request: Request) -> Answer:
            said = await super().send(request)
            if self.sent.total() == len(Kind):
                begun.set()
            await answer.wait()
            return said

    calls = Calls(1)
    load = Load(Second(PROBLEM), calls, rate=10_000)
    load.resends, calls.stop = True, load.stop
    one = asyncio.create_task(load.run())
    await begun.wait()
    settling = asyncio.create_task(load.settle())
    answer.set()
    await settling
    assert sum(sample.ok for sample in load.samples) == sum(kind.repeatable for kind in Kind)
    await one


def test_a_body_that_is_no_problem_is_told_as_it_begins() -> None:
    assert slug(PROBLEM) == "/problems/overloaded"
    assert slug(Answer(502, {"content-type": "text/html"}, b"<html>" + b"x" * 100)) == "<html>" + "x" * 74
