"""What is said to a gateway and heard from it, whatever comes back."""

import os
import time
from collections.abc import Iterator

import pytest

from deploy.talk import Talk, all_say
from functions.gateway.revisions import Said

SAID = b'{"revision":"abc","why":["no"],"rolls":true}\n'


class Gateway:
    """What it hears, and what it answers beforehand."""

    def __init__(self, name: str) -> None:
        self.hears, to = os.pipe()
        back, self.answers = os.pipe()
        self.talk = Talk(name, to, back, lambda: None)
        self._open = [self.hears, to, back, self.answers]

    def close(self) -> None:
        for each in self._open:
            os.close(each)
        self._open = []

    def leave(self) -> None:
        self._open.remove(self.answers)
        os.close(self.answers)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway("gateway-1")
    yield made
    made.close()


def test_words_go_there_and_an_answer_comes_back(gateway: Gateway) -> None:
    os.write(gateway.answers, SAID)
    assert all_say([gateway.talk], "prepare abc", 10) == {"gateway-1": Said("abc", ["no"], rolls=True)}
    assert os.read(gateway.hears, 100) == b"prepare abc\n"


def test_an_answer_may_come_in_parts_and_two_at_once(gateway: Gateway) -> None:
    for part in (SAID[:5], SAID[5:] + SAID[:3], SAID[3:]):
        os.write(gateway.answers, part)
    until = time.monotonic() + 10
    assert gateway.talk.hear(until) == gateway.talk.hear(until) == Said("abc", ["no"], rolls=True)


@pytest.mark.parametrize("answer", [b"nonsense\n", b'{"why":[]}\n', b"\n"])
def test_what_is_no_answer_is_none(gateway: Gateway, answer: bytes) -> None:
    os.write(gateway.answers, answer)
    assert gateway.talk.hear(time.monotonic() + 10) is None


def test_who_leaves_gives_no_answer(gateway: Gateway) -> None:
    os.write(gateway.answers, SAID[:-1])
    gateway.leave()
    assert gateway.talk.hear(time.monotonic() + 10) is None


def test_who_is_silent_gives_none_in_time(gateway: Gateway) -> None:
    assert gateway.talk.hear(time.monotonic()) is None


def test_who_has_gone_hears_nothing() -> None:
    there, to = os.pipe()
    os.close(there)
    talk = Talk("gateway-1", to, to, lambda: None)
    talk.say("which")
    os.close(to)
    talk.say("which")
