"""Many timers of one length."""

import asyncio
import gc
import weakref

from runtime.serving.timers import Timers

SHORT, LONG = 0.002, 3600.0


class Guest:
    """Somebody who waits; what it does when called is its own affair."""

    def __init__(self, called: list["Guest"], *drops: "Guest", timers: Timers | None = None) -> None:
        self._called = called
        self._drops = drops
        self._timers = timers
        self.here = asyncio.Event()

    def late(self) -> None:
        self._called.append(self)
        self.here.set()
        for other in self._drops:
            assert self._timers is not None
            self._timers.drop(other)


async def test_who_waits_is_called_once_in_the_order_of_setting() -> None:
    called: list[Guest] = []
    timers, guests = Timers(SHORT), [Guest(called) for _ in range(5)]
    for guest in guests:
        timers.set(guest)
    await guests[-1].here.wait()
    assert called == guests


async def test_nobody_is_called_before_the_time_is_over() -> None:
    loop, guest, timers = asyncio.get_running_loop(), Guest([]), Timers(0.05)
    began = loop.time()
    timers.set(guest)
    await guest.here.wait()
    assert loop.time() - began >= 0.048


async def test_who_is_dropped_is_not_called() -> None:
    called: list[Guest] = []
    timers, dropped, kept = Timers(SHORT), Guest(called), Guest(called)
    timers.set(dropped)
    timers.set(kept)
    timers.drop(dropped)
    timers.drop(dropped)
    await kept.here.wait()
    assert called == [kept]


async def test_one_that_is_called_may_drop_another_that_is_due() -> None:
    called: list[Guest] = []
    timers = Timers(SHORT)
    dropped, last = Guest(called), Guest(called)
    first = Guest(called, dropped, timers=timers)
    for guest in (first, dropped, last):
        timers.set(guest)
    await last.here.wait()
    assert called == [first, last]


async def test_they_go_on_after_a_time_in_which_nobody_waited() -> None:
    called: list[Guest] = []
    timers = Timers(SHORT)
    for guest in (Guest(called), Guest(called)):
        timers.set(guest)
        await guest.here.wait()
    assert len(called) == 2


async def test_one_that_is_called_may_wait_again() -> None:
    class Again(Guest):
        def late(self) -> None:
            if len(self._called) < 2:
                assert self._timers is not None
                self._timers.set(self)
            super().late()

    called: list[Guest] = []
    timers, after = Timers(SHORT), Timers(SHORT * 4)
    guest, last = Again(called, timers=timers), Guest([])
    timers.set(guest)
    while len(called) < 3:
        last.here.clear()
        after.set(last)
        await last.here.wait()
    assert called == [guest] * 3


async def test_who_was_dropped_is_not_held() -> None:
    timers, guest = Timers(LONG), Guest([])
    gone = weakref.ref(guest)
    timers.set(guest)
    timers.drop(guest)
    del guest
    gc.collect()
    assert gone() is None


async def test_one_that_fails_keeps_none_of_the_others_waiting() -> None:
    called: list[Guest] = []
    timers = Timers(SHORT)

    class Failing(Guest):
        def late(self) -> None:
            super().late()
            raise RuntimeError("ours")

    guests = [Failing(called), Guest(called), Failing(called), Guest(called)]
    for guest in guests:
        timers.set(guest)
    await guests[-1].here.wait()
    assert called == guests
