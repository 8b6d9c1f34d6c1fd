"""Ports that a test may use: no other worker is given them, nor another run on this machine.

All are below those that the kernel gives to whoever asks for any, so that no connection takes one between its choice
and its use. What a process was given is claimed by sockets with names of their own, which end when the process does.
"""

import socket
from collections import deque
from contextlib import ExitStack
from functools import cache
from itertools import chain, cycle
from random import SystemRandom

_LOWEST, _HIGHEST = 10_000, 32_000
_UNIT = 100  # ports that are claimed at once
_KEPT = 4  # blocks of one length that a process is given before it is given the first one again
_BLOCKS: dict[int, deque[int]] = {}
_HELD: list[ExitStack] = []
_ANYWHERE = SystemRandom()


def free_port() -> int:
    """One on which nobody listens; the hundredth port after this one may be the same again."""
    return next(port for port in _single() if _free(port))


def free_base(span: int) -> int:
    """The first of `span` ports in a row on which nobody listens, for a test that has one or two such blocks."""
    given = _BLOCKS.setdefault(span, deque())
    if len(given) >= _KEPT and all(map(_free, range(given[0], given[0] + span))):
        base = given.popleft()
    else:
        base = _claimed(span)
    given.append(base)
    return base


@cache
def _single() -> "cycle[int]":
    base = _claimed(_UNIT)
    return cycle(range(base, base + _UNIT))


def _claimed(span: int) -> int:
    """A block for this process, from now until it ends."""
    units = -(-span // _UNIT)
    places = range(_LOWEST, _HIGHEST - units * _UNIT, _UNIT)
    first = _ANYWHERE.randrange(len(places))
    for base in chain(places[first:], places[:first]):
        if _claim(range(base, base + span, _UNIT)) and all(map(_free, range(base, base + span))):
            return base
    raise RuntimeError(f"no {span} ports in a row are free between {_LOWEST} and {_HIGHEST}")


def _claim(units: range) -> bool:
    """Whether all of them are this process's now; none is when one of them is somebody's."""
    with ExitStack() as held:
        for unit in units:
            if (name := claim(f"ports {unit}")) is None:
                return False
            held.enter_context(name)
        _HELD.append(held.pop_all())
    return True


def claim(name: str) -> socket.socket | None:
    """What makes `name` this process's on this machine, as long as it is open; None where it is somebody's."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0portico tests {name}")
    except OSError:
        held.close()
        return None
    return held


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what ended a moment ago is no hindrance
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
