"""`just logs`: what was written and is written, by whom, from when on, how grave, of which request.

In: an engine's lines and what was asked for. Out: lines on this terminal. It follows where that is asked for, and on a
terminal where nothing else is; a program gets what there is, and the end.
"""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import takewhile

from deploy.engine import Engine, Line, Refusal
from deploy.logs.entries import LEVELS, Entry, entries
from deploy.logs.lines import as_json, plain, pretty
from deploy.logs.selection import REQUEST_ID, Selection, ordered
from runtime.units import Duration

_LAST = 100  # lines that are shown of what was written, unless it is said how many or from when on
_PLENTY = 1_000_000


def arguments(verb: ArgumentParser) -> None:
    """What it may be given."""
    verb.add_argument("name", nargs="?", default="", help="a function or one instance; all, if none is named")
    verb.add_argument("--request", type=_request, metavar="ID", help="the story of one request")
    verb.add_argument("--since", type=_since, metavar="10m", help="from then on: 90s, 10m, 2h, 1d, or a time")
    verb.add_argument("-n", "--lines", type=_number, metavar="100", help=f"the last so many ({_LAST})")
    verb.add_argument(
        "--level",
        choices=LEVELS,
        default="",
        metavar="error",
        help=f"as grave as this, and graver: {', '.join(LEVELS)}",
    )
    verb.add_argument("--json", action="store_true", help="an object on each line, for programs")
    verb.add_argument("--follow", action="store_true", help="go on with what is written from now on")
    verb.add_argument("--polls", action="store_true", help="also what the stack asks itself every second")


def main(engine: Engine, options: Namespace) -> int:
    """Raises Refusal where a request has left nothing."""
    chosen = Selection(options.since or 0.0, options.level, options.request or "", options.polls)
    follow = options.follow or _only_looks(options)
    everything = bool(options.request or options.since is not None)
    lines = engine.logs(options.name, since=chosen.since if everything else None, follow=follow)
    show = as_json if options.json else pretty if sys.stdout.isatty() else plain
    wanted = filter(chosen.wants, entries(_before(lines)))
    told = ordered(wanted, options.lines if options.lines is not None else None if everything else _LAST)
    if options.request and not told and not follow:
        raise Refusal(_unknown(options.request))
    _print(iter(told), show)
    if follow:
        _print(filter(chosen.wants, entries(line for line in lines if line)), show)
        print(f"{options.name or 'The stack'} does not run any more.", file=sys.stderr)
    return 0


def followed(engine: Engine) -> int:
    """Everything from now on, as in the developer's view."""
    parser = ArgumentParser()
    arguments(parser)
    return main(engine, parser.parse_args(["--follow"]))


def _only_looks(options: Namespace) -> bool:
    """A terminal, and not a word of what is to be shown."""
    asked = options.request or options.since is not None or options.lines is not None or options.level or options.json
    return sys.stdout.isatty() and not asked


def _before(lines: Iterator[Line | None]) -> Iterator[Line]:
    """What was written until now."""
    return (line for line in takewhile(lambda line: line is not None, lines) if line)


def _print(told: Iterator[Entry], show: Callable[[Entry], str]) -> None:
    for entry in told:
        print(show(entry), flush=True)


def _unknown(request: str) -> str:
    return (
        f"No line of the logs is about the request {request}: its id is the X-Request-Id of its answer. Logs of a busy "
        "stack are kept for hours, of what was refused by hundreds a second only nginx has each."
    )


def _request(text: str) -> str:
    if not REQUEST_ID.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is no request's id: it has 1 to 128 of A-Z a-z 0-9 . _ -")
    return text


def _since(text: str) -> float:
    try:
        return time.time() - Duration.parse(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError(f"{text!r} is no time: write 10m, 2h, 1d, or 2026-11-22T18:05:09Z") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _PLENTY:
        raise ArgumentTypeError(f"{text!r} is no number of lines: use 0 to {_PLENTY}")
    return int(text)
