"""Every verb that touches instances, with one and with two of everything: as many are ready after it as before it."""

import gzip
import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.backup import key, manifest
from deploy.chaos import version
from tests.e2e.people import register
from tests.e2e.stack import ROOT, Stack

FUNCTIONS = ("gateway", "users", "orders")
SOMEBODY = "somebody@example.org"

Count = Counter[tuple[str, str]]


@pytest.fixture(params=[1, 2])
def several(stack: Stack, request: pytest.FixtureRequest) -> Stack:
    """A stack of so many of everything."""
    if request.param > 1:
        for name in FUNCTIONS:
            stack.scale(request.param, name)
    return stack


@pytest.fixture
def backup(several: Stack, tmp_path: Path) -> Path:
    several.run("backup", tmp_path)
    return next(tmp_path.iterdir())


@pytest.fixture
def another_version() -> Iterator[Path]:
    """A checkout in which every function differs."""
    with tempfile.TemporaryDirectory(prefix="portico-version-") as folder:
        yield version.copy(ROOT, Path(folder))


def counted(stack: Stack) -> Count:
    """How many instances of each function are in which state."""
    return Counter((row.name.rpartition("-")[0], row.state) for row in stack.instances())


def given(stack: Stack, before: Count, *verb: str | int | Path) -> str:
    """What is wrong after a verb: it failed, or something else runs than `before`; "" for nothing."""
    done = stack.attempt(*verb)
    if done.returncode:
        return done.stderr + done.stdout
    after = counted(stack)
    return "" if after == before else f"{before} became {after}"


def written(stack: Stack, name: str) -> set[str]:
    """Whose lines `logs` shows."""
    return {json.loads(line)["instance"] for line in stack.run("logs", name, "--json").splitlines()}


@pytest.mark.timeout(600)
def test_after_every_verb_as_many_are_ready_as_before(
    several: Stack, client: httpx.Client, backup: Path, another_version: Path, tmp_path: Path
) -> None:
    register(client, SOMEBODY)
    before = counted(several)
    count = before["gateway", "ready"]
    verbs: list[tuple[str | int | Path, ...]] = [
        ("up",),
        ("ps",),
        *(("scale", count, name) for name in FUNCTIONS),
        ("seed",),
        ("seed", "--again"),
        ("admin", SOMEBODY),
        ("backup", tmp_path / "again"),
        ("restore", backup, "--yes"),
        ("rotate-keys",),
        ("cache", "look", "/products"),
        ("cache", "purge", "--all"),
        ("limits",),
        ("limits", "--clear", "--yes"),
        ("explain", "GET", "/products"),
        ("doctor",),
        ("logs", "-n", 3),
        ("call", "GET", "/users/me"),
        ("smoke",),
        ("deploy",),
    ]
    assert {verb: fault for verb in verbs if (fault := given(several, before, *verb))} == {}
    names = [row.name for row in several.instances() if row.name.startswith(FUNCTIONS)]
    assert [written(several, name) for name in names] == [{name} for name in names]
    several.root = another_version
    assert given(several, before, "deploy", "--all") == ""
    several.root = ROOT
    assert given(several, before, "rollback") == ""
    assert given(several, before, "smoke") == ""


def broken(stack: Stack, folder: Path) -> None:
    """The backup's last part becomes one that can't be loaded, and its checksum and signature are right."""
    own = key.own(stack.state)
    found = manifest.read(folder, own)
    *whole, last = found.parts
    file = folder / last.file
    file.write_bytes(gzip.compress(b"no rows;") if last.form == "rows.gz" else b"no database")
    manifest.write(folder, found.made_at, [*whole, manifest.part(folder, last.function, last.form, last.schema)], own)


def unreadable(stack: Stack, folder: Path) -> int:
    broken(stack, folder)
    refused = stack.attempt("restore", folder, "--yes")
    assert refused.stderr.count("\n") == 1
    return refused.returncode


def ended(number: signal.Signals) -> Callable[[Stack, Path], int]:
    """By a signal, while it stops what it will have to start."""

    def restore(stack: Stack, folder: Path) -> int:
        command = ["env", "--default-signal", sys.executable, "-m", "deploy", "restore", str(folder), "--yes"]
        with subprocess.Popen(command, env=stack.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            assert " s  Stopping " in running.stdout.readline()
            running.send_signal(number)
            running.stdout.read()
        return running.returncode

    return restore


def unheard(stack: Stack, folder: Path) -> int:
    """Whoever read what it says has gone, as `head -1` does."""
    command = [sys.executable, "-m", "deploy", "restore", str(folder), "--yes"]
    with subprocess.Popen(command, env=stack.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
    return running.returncode


@pytest.mark.parametrize("several", [2], indirect=True)
def test_a_restore_that_ends_half_way_leaves_as_many_ready(several: Stack, backup: Path) -> None:
    before = counted(several)
    for fail, code in [
        (ended(signal.SIGTERM), 130),
        (ended(signal.SIGHUP), 130),
        (unheard, 0),  # what is under way is not cut because nobody reads on
        (unreadable, 1),
    ]:
        assert fail(several, backup) == code, fail
        assert counted(several) == before, fail
