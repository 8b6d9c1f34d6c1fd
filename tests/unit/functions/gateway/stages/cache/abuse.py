"""Clients who have a cache keep what they like: each sends as much as it may wherever it is kept."""

from collections.abc import Callable, Iterator

from functions.gateway.stages.cache.asked import ask
from functions.gateway.stages.cache.directives import answering
from functions.gateway.stages.cache.entry import Stored, filled, stored
from functions.gateway.stages.cache.keys import key, plain
from tests.unit.functions.gateway.stages.cache.heads import NOW, head

Asks = tuple[bytes, list[str], list[str], bytes]  # a target, a request's fields, an answer's, and its content
FRESH = "Cache-Control: max-age=60"
MANY = [f"X-{number}: y" for number in range(30)]

ABUSES: dict[str, Callable[[int], Asks]] = {
    "targets": lambda number: (b"/a?%d" % number, ["Host: a"], [FRESH], b""),
    "long targets": lambda number: (b"/a?" + b"%d" % number * 1500, ["Host: a"], [FRESH], b""),
    "hosts": lambda number: (b"/a?%d" % (number // 16), [f"Host: {number:x>255}"], [FRESH], b""),
    "one host each": lambda number: (b"/a?%d" % number, [f"Host: {number:x>255}"], [FRESH], b""),
    "fields that select": lambda number: (
        b"/a?%d" % (number // 16),
        ["Host: a", f"User-Agent: {number:x>8000}", f"X: {number:x>8000}"],
        [FRESH, "Vary: User-Agent, X, Accept-Language"],
        b"",
    ),
    "fields": lambda number: (b"/a?%d" % number, ["Host: a"], [FRESH, f"Y: {number}", *MANY], b""),
    "tags": lambda number: (b"/a?%d" % number, ["Host: a"], [FRESH, f'ETag: "{number:x>2000}"'], b""),
    "groups": lambda number: (
        b"/a?%d" % number,
        ["Host: a"],
        [FRESH, "Cache-Groups: " + ", ".join(f'"{number}-{each}"' for each in range(20))],
        b"",
    ),
    "contents": lambda number: (b"/a?%d" % number, ["Host: a"], [FRESH], b"%d" % number * 200),
}


def answers(abuse: str, times: int) -> Iterator[tuple[bytes, Stored]]:
    """What is to be kept, and under which key."""
    for number in range(times):
        target, sends, says, content = ABUSES[abuse](number)
        asked, headers = ask(b"GET", head(*sends)), head(*says)
        kept = filled(stored(asked, 200, headers, answering(headers), NOW, NOW), content)
        assert kept is not None
        yield key("things", plain(target)), kept
