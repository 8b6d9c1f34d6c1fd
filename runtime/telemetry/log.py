"""Logs: one JSON object a line, or coloured lines on a terminal; each bound to the request that it is about.

Whatever a library says through `logging` leaves in the same form. Nothing here knows what is being logged, and
tracebacks never show the values of variables.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from runtime.visible import visible

Format = Literal["auto", "json", "text"]

get = structlog.stdlib.get_logger

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.StackInfoRenderer(),
]


def configure(style: Format = "auto", stream: TextIO | None = None, **always: str) -> None:
    """Sets up logging for this process, to standard output unless `stream` is another; `always` is on every line (the
    instance's name, say).
    """
    stream = stream or sys.stdout
    shared = [*_SHARED, _adding(always)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(shared, text=style == "text" or (style == "auto" and stream.isatty())))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def configure_if_told(environment: Mapping[str, str]) -> None:
    """Does so where LOG_FORMAT asks for it and no server of ours has: NGINX Unit keeps what goes to standard error."""
    if "LOG_FORMAT" in environment and not structlog.is_configured():
        configure("text" if environment["LOG_FORMAT"] == "text" else "json", sys.stderr)


class Sparing:
    """For lines that a stranger can cause: at most `most` a second; the next one says how many were left out."""

    def __init__(
        self, tell: Callable[..., object], *, most: int = 20, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._most = most
        self._clock = clock
        self._second = -1
        self._told = 0
        self._left_out = 0

    def __call__(self, event: str, **said: object) -> None:
        """Logs it, or counts it."""
        if (second := int(self._clock())) != self._second:
            self._second, self._told = second, 0
        if self._told >= self._most:
            self._left_out += 1
            return
        self._told += 1
        if self._left_out:
            said["left_out"], self._left_out = self._left_out, 0
        self._tell(event, **said)


def _formatter(shared: list[Processor], *, text: bool) -> logging.Formatter:
    rendering: list[Processor] = (
        [_shown, structlog.dev.ConsoleRenderer(repr_native_str=True, exception_formatter=_traceback)]
        if text
        else [structlog.processors.format_exc_info, _json]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )


def _adding(always: dict[str, str]) -> Processor:
    def add(_logger: object, _name: str, event: EventDict) -> EventDict:
        return {**always, **event}

    return add


def _shown(_logger: object, _name: str, event: EventDict) -> EventDict:
    """What is not written as Python writes a string: what happened, which a library may have put a target into."""
    return {**event, "event": visible(event.get("event", ""))}


def _traceback(stream: TextIO, exception: ExcInfo) -> None:
    whole = StringIO()
    structlog.dev.plain_traceback(whole, exception)
    stream.write(visible(whole.getvalue(), lines=True))


def _json(_logger: object, _name: str, event: EventDict) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, as in the name of a file that is not UTF-8
        return json.dumps(event, default=repr)
