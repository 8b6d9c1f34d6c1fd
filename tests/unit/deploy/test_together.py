import signal
import threading
import time

import pytest

from deploy.engine import Refusal
from deploy.together import AT_ONCE, together
from deploy.undisturbed import Halted, go_on, undisturbed


def test_all_are_done_at_the_same_time() -> None:
    meeting = threading.Barrier(AT_ONCE)
    together([lambda: meeting.wait(30)] * AT_ONCE)
    together([])


def waits() -> None:
    while True:
        go_on()
        time.sleep(0.001)


def test_what_fails_has_the_others_stop_and_is_what_is_told() -> None:
    def fails() -> None:
        raise Refusal("the cause")

    with pytest.raises(Refusal, match="the cause"):
        together([waits, waits, fails])


def test_an_interruption_has_all_of_them_stop_first() -> None:
    ended = []

    def interrupts() -> None:
        signal.raise_signal(signal.SIGINT)

    def notices() -> None:
        try:
            waits()
        finally:
            ended.append("ended")

    with pytest.raises(KeyboardInterrupt):
        together([notices, interrupts])
    assert ended == ["ended"]


def test_what_one_of_them_puts_back_is_put_back_whole() -> None:
    done: list[str] = []

    def tidies() -> None:
        try:
            waits()
        finally:
            with undisturbed():
                go_on()
                done.append("tidied")

    def fails() -> None:
        raise Refusal("the cause")

    with pytest.raises(Refusal, match="the cause"):
        together([tidies, fails])
    assert done == ["tidied"]


def test_what_has_not_begun_is_not_begun() -> None:
    begun: list[str] = []

    def fails() -> None:
        raise Refusal("the cause")

    with pytest.raises(Refusal, match="the cause"):
        together([fails, *[waits] * (AT_ONCE - 1), lambda: begun.append("late")])
    assert begun == []


def test_nobody_else_is_stopped() -> None:
    go_on()
    with pytest.raises(Halted):
        together([lambda: (_ for _ in ()).throw(Halted("x"))])
    go_on()
