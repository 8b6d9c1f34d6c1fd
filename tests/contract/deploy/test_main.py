"""What a shell sees of a verb."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Each takes longer to import than a verb that only looks may take as a whole, or a good part of that.
SLOW = {
    *("aiosqlite", "asyncio", "asyncpg", "cryptography", "granian", "hiredis", "httptools"),
    *("httpx", "jwt", "litestar", "prometheus_client", "redis", "structlog"),
}
MODULES = """
import sys
from runpy import run_module
sys.argv = sys.argv[1:]
try:
    run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        (("deploy", "ps"), set()),
        (("deploy", "logs", "-n", "5"), set()),
        (("deploy", "logs", "--request", "r1", "--json"), set()),
        (("deploy", "doctor"), set()),
        (("deploy", "help"), set()),
        (("deploy", "help", "logs"), set()),
        (("deploy", "help", "limits"), set()),
        (("deploy", "scale", "--help"), set()),
        (("deploy", "limits"), set()),  # which a gateway's own command goes on with
        (("deploy", "cache", "look", "/products"), set()),
        (("deploy", "explain", "GET", "/products"), {"asyncio", "httptools", "structlog"}),  # the pipeline itself
        (("functions.gateway.listing",), set()),
    ],
)
def test_who_only_looks_imports_nothing_that_looking_does_not_need(
    words: tuple[str, ...], needs: set[str], tmp_path: Path
) -> None:
    told = os.environ | {"ENGINE": "local", "PORTICO_STATE": str(tmp_path)}
    command = [sys.executable, "-E", "-c", MODULES, *words]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=True)
    assert SLOW & {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()} == needs


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("help",), 0),
        (("ps",), 1),  # nothing runs
        (("help", "nothing"), 1),
        (("scale",), 2),
        (("scale", "two"), 2),
        (("logs", "--since", "yesterday"), 2),
        (("down", "--date"), 2),
        (("nothing",), 2),
    ],
)
def test_an_exit_code_says_what_kind_of_failure_it_is(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    told = os.environ | {"ENGINE": "local", "PORTICO_STATE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "deploy", *words], cwd=ROOT, env=told, capture_output=True, text=True, check=False
    )
    assert (done.returncode, bool(done.stderr)) == (code, code != 0)


def test_who_is_interrupted_ends_with_130_and_says_where_to_look(tmp_path: Path) -> None:
    told = os.environ | {"ENGINE": "local", "PORTICO_STATE": str(tmp_path)}
    interrupting = "import deploy.verbs, sys\nfrom deploy.__main__ import main\n"
    interrupting += "def down(*_, **__): raise KeyboardInterrupt\ndeploy.verbs.down = down\nsys.exit(main(['down']))"
    done = subprocess.run(
        [sys.executable, "-c", interrupting], cwd=ROOT, env=told, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "Interrupted: `just ps` tells what runs.\n")


def test_who_stops_reading_early_is_told_nothing(tmp_path: Path) -> None:
    told = os.environ | {"ENGINE": "local", "PORTICO_STATE": str(tmp_path)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "deploy", "explain", "GET", "/products"],
        cwd=ROOT, env=told, stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
