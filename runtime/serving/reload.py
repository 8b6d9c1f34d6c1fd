"""The developer's loop: serves a function in a child of this process, and in a new one whenever its source changes.

This process has the libraries imported and none of the project's own code, and forks: so a saved file is served a
fraction of a second later, and what does not start is told once, with its traceback, until the next change. It knows
nothing of serving, and is not used in production.
"""

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from runtime.telemetry import log

_INTERVAL = 0.2  # seconds; a look at a hundred files costs about two milliseconds
_QUIET = 0.05  # seconds without a further change, as editors and git write more than one file
_WATCHED = {".py", ".toml", ".sql"}
_PR_SET_PDEATHSIG = 1  # Linux: the child ends when its parent does

Seen = dict[str, int]  # modification time in nanoseconds, by path

logger = log.get(__name__)


class Loop:
    """Serves by `serve`, again when something below `folders`, the last of which is the author's, changes, or a file
    that `also` (a pattern) finds.
    """

    def __init__(self, serve: Callable[[], int], folders: Sequence[Path], also: str = "") -> None:
        self._serve = serve
        self._folders = folders
        self._also = also
        self._child = 0
        self._stopping = False

    def run(self, warm: Callable[[], object]) -> int:
        """The exit code, once told to stop, or when the first child fails: that is no change's doing.

        `warm` imports what a child will; what it raises, a child will say.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        sys.dont_write_bytecode = True  # known by second and size, which two saves may have in common
        try:
            warm()
        except (Exception, SystemExit):  # noqa: BLE001  whatever is wrong with the source
            logger.debug("not warm")
        forget_below(self._folders)
        return self._keep()

    def _keep(self) -> int:
        first = True
        while True:
            before = self._seen()
            self._child = fork(self._serve, self._folders)
            code = self._until_ended_or_changed(before)
            if code and code > 0 and not first and not self._stopping:
                logger.warning("waiting for the next change")
                code = self._until_ended_or_changed(before)
            if self._stopping or code is not None:
                return code or 0
            self._replace(before)
            first = False

    def _until_ended_or_changed(self, before: Seen) -> int | None:
        """The child's exit code when it has ended, negative for a signal; else None."""
        while self._child or not self._stopping:
            if self._child and (code := ended(self._child)) is not None:
                self._child = 0
                return code
            if not self._stopping and self._seen() != before:
                return None
            time.sleep(_INTERVAL)
        return None

    def _replace(self, before: Seen) -> None:
        """Ends the child, once nothing changes any more."""
        now = self._seen()
        logger.info("source changed", file=difference(before, now))
        earlier = before
        while earlier != now:
            time.sleep(_QUIET)
            earlier, now = now, self._seen()
        if self._child:
            os.kill(self._child, signal.SIGTERM)
            os.waitpid(self._child, 0)
            self._child = 0

    def _seen(self) -> Seen:
        return seen(self._folders, self._also)

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopping = True
        if self._child:
            os.kill(self._child, signal.SIGTERM)


def fork(serve: Callable[[], int], folders: Sequence[Path]) -> int:
    """The process that serves; it ends with what `serve` returns."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    forget_below(folders)
    try:
        sys.exit(serve())
    except Exception as error:  # noqa: BLE001  the author's
        traceback.print_exception(error.with_traceback(where(error, folders[-1])))
        sys.exit(1)


def where(error: Exception, folder: Path) -> TracebackType | None:
    """The way to an error, from the first line of the author's on, which is below `folder`."""
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_code.co_filename.startswith(str(folder.resolve())):
        trace = trace.tb_next
    return trace if trace or isinstance(error, SyntaxError) else error.__traceback__


def ended(child: int) -> int | None:
    """Its exit code, None while it runs; the negative number of a signal that ended it."""
    found, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def forget_below(folders: Iterable[Path]) -> None:
    """Has every package with a module below `folders` imported anew when it is asked for."""
    roots = [str(folder.resolve()) + os.sep for folder in folders]
    files = {name: str(getattr(module, "__file__", None) or "") for name, module in sys.modules.items()}
    ours = {name.partition(".")[0] for name, file in files.items() if file.startswith(tuple(roots))} - {"__main__"}
    for name in files:
        if name.partition(".")[0] in ours:
            del sys.modules[name]


def seen(folders: Iterable[Path], also: str = "") -> Seen:
    """Every watched file that there is now."""
    below = [file for folder in folders for file in _below(folder) if file.suffix in _WATCHED]
    found: Seen = {}
    for file in [*below, *(Path().glob(also) if also else ())]:
        with suppress(OSError):  # gone since, as what editors write beside a file is
            found[str(file)] = file.stat().st_mtime_ns
    return found


def _below(folder: Path) -> Iterator[Path]:
    """Every file; a folder that goes meanwhile, or can't be read, has none."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def difference(before: Seen, now: Seen) -> str:
    """A path that is in one of the two only, or newer in the second."""
    return min((path for path in before.keys() | now.keys() if before.get(path) != now.get(path)), default="")
