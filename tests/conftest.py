"""What holds for every test: properties are judged by their answers, and what was left out is said in the last line."""

import os
import signal
import sys

import pytest
from hypothesis import settings

from deploy.choice import docker_answers
from tests import far
from tests.left_out import NO_DAEMON, missing

for _name in [name for name in os.environ if name.startswith("PYTHON")]:
    del os.environ[_name]  # what a test starts runs as `just` would run it: with this checkout's modules
for _name in ("no_proxy", "NO_PROXY"):  # a proxy is for what has to be installed
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "localhost,127.0.0.1,::1"]))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a test starts and interrupts has to notice

settings.register_profile("portico", deadline=None)  # a busy machine is no fault
settings.register_profile("fuzz", deadline=None, max_examples=1000)  # what `just fuzz` asks for
settings.load_profile("portico")

LEFT_OUT = "Not run: the tests in containers, as {why}."
NO_CABLES = "Not run: the tests that pull cables, which want root and `ip` (iproute2)."


def pytest_configure() -> None:
    """In CI nothing is left out."""
    if os.environ.get("CI") and not far.POSSIBLE:
        pytest.exit(f"{NO_CABLES} In CI they may not be left out.", returncode=1)
    if os.environ.get("CI") and (why := missing()):
        pytest.exit(f"In CI the container tests may not be left out, and {why}.", returncode=1)


def pytest_unconfigure() -> None:
    """Comes after pytest's own last line. Whether images can be had is not found out for this sentence alone."""
    if not far.POSSIBLE:
        print(NO_CABLES, file=sys.stderr)  # noqa: T201  for who reads the terminal
    if why := missing() if missing.cache_info().currsize else "" if docker_answers() else NO_DAEMON:
        print(LEFT_OUT.format(why=why), file=sys.stderr)  # noqa: T201  for who reads the terminal
