"""What holds for every test: properties are judged by their answers, and what was left out is said in the last line."""

import gc
import os
import signal
import sys
from collections.abc import Generator
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests import far, side_by_side
from tests.left_out import ENGINE, ENGINES, NO_CABLES, left_out, missing

for _name in [name for name in os.environ if name.startswith("PYTHON")]:
    del os.environ[_name]  # what a test starts runs as `just` would run it: with this checkout's modules
for _name in ("no_proxy", "NO_PROXY"):  # a proxy is for what has to be installed
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "localhost,127.0.0.1,::1"]))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a test starts and interrupts has to notice

settings.register_profile("portico", deadline=None)  # a busy machine is no fault
settings.register_profile("fuzz", deadline=None, max_examples=1000)  # what `just fuzz` asks for
settings.load_profile("portico")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means."""
    return side_by_side.workers(config.args)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Whoever asks for workers, shares go to them."""
    return side_by_side.Shares(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """In CI nothing is left out, and what was asked for by name never is. Workers are told what was found out here."""
    if _is_worker(config):
        given = Path(config.option.basetemp)
        config.option.basetemp = given.with_name(
            given.name.removeprefix("popen-gw")
        )  # a longer name leaves no room for that of a socket
        return
    if ENGINE not in ("", *ENGINES):
        pytest.exit(f"ENGINE={ENGINE} is not known: it is docker or local.", returncode=1)
    if os.environ.get("CI") and not far.POSSIBLE:
        pytest.exit(f"{NO_CABLES} In CI they may not be left out.", returncode=1)
    if (os.environ.get("CI") or ENGINE == "docker") and (why := missing()):
        reason = "In CI" if os.environ.get("CI") else "With ENGINE=docker"
        pytest.exit(f"{reason} the container tests may not be left out, and {why}.", returncode=1)
    if os.environ.get("CI") and ENGINE:
        pytest.exit(
            f"In CI the tests of both engines are run, and ENGINE={ENGINE} leaves out those of one.", returncode=1
        )
    if _more_than_units(config):
        missing()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A worker's tests are in the order in which shares are begun."""
    if _is_worker(config):
        items.sort(key=lambda item: side_by_side.rank(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Beside which others."""
    if not _is_worker(item.config):
        return (yield)
    with side_by_side.turn(item.nodeid, Path(item.config.option.basetemp).parent):
        return (yield)


def pytest_collection_finish() -> None:
    """What has been collected stays: whoever looks for garbage needs not go through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the tests of each layer took, one after the other; several run at once."""
    took = dict[str, float]()
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            layer = side_by_side.layer(report.nodeid)
            took[layer] = took.get(layer, 0) + report.duration
    told = ", ".join(f"{layer} {seconds:.0f} s" for layer, seconds in sorted(took.items()))
    terminalreporter.write_line(f"Time in tests: {told or 'none'}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Comes after pytest's own last line."""
    if _is_worker(config) or not _more_than_units(config):
        return
    for line in left_out(cables=far.POSSIBLE):
        print(line, file=sys.stderr)  # noqa: T201  for who reads the terminal


def _is_worker(config: pytest.Config) -> bool:
    """Rather than the process that was started, which gives workers their tests and tells what came of them."""
    return hasattr(config, "workerinput")


def _more_than_units(config: pytest.Config) -> bool:
    return not all("unit" in place for place in config.args)
