"""Which engine runs the stack: Docker where a daemon answers, plain processes otherwise, and ENGINE when it is set.

A stack that is up keeps the engine it was started with. Needs nothing but Python: it is asked before there is more.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.engine import Refusal
from deploy.undisturbed import undisturbed

ENGINES = ("docker", "local")
_DEVELOPING = "dev"


class Choice(NamedTuple):
    """An engine's name, in a few words why it is this one, and whether the stack runs in the developer's view."""

    engine: str
    why: str
    developing: bool = False


def choose(root: Path, environment: Mapping[str, str], daemon_answers: Callable[[], bool]) -> Choice:
    """Raises Refusal for an ENGINE that there is not."""
    asked, note = environment.get("ENGINE", ""), _note(root, environment)
    engine, _, view = note.read_text(encoding="utf-8").partition(" ") if note.exists() else ("", "", "")
    if asked and asked not in ENGINES:
        raise Refusal(f"ENGINE={asked} is not known: it is docker or local.")
    if asked:
        return Choice(asked, f"ENGINE={asked}", engine == asked and view == _DEVELOPING)
    if engine:
        return Choice(engine, "the stack runs on it already", view == _DEVELOPING)
    if daemon_answers():
        return Choice("docker", "a Docker daemon answers; ENGINE=local would do without")
    return Choice("local", "no Docker daemon answers")


@contextmanager
def remembered(
    root: Path, environment: Mapping[str, str], engine: str, *, developing: bool, runs: Callable[[], bool]
) -> Iterator[None]:
    """From now on until `forget`, every verb means this engine and this view: also where whoever starts it is ended.

    A block that fails takes it back, unless something `runs` by then, which verbs have to find.
    """
    note = _note(root, environment)
    before = note.read_text(encoding="utf-8") if note.exists() else None
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{engine} {_DEVELOPING}" if developing else engine, encoding="utf-8")
    try:
        yield
    except BaseException:
        with undisturbed():
            if not runs():
                note.unlink() if before is None else note.write_text(before, encoding="utf-8")
        raise


def forget(root: Path, environment: Mapping[str, str]) -> None:
    """The stack is down."""
    _note(root, environment).unlink(missing_ok=True)


def docker_answers() -> bool:
    """Whether there is a Docker that this user may use."""
    try:
        result = subprocess.run(["docker", "info"], check=False, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _note(root: Path, environment: Mapping[str, str]) -> Path:
    return Path(environment.get("PORTICO_STATE") or root / ".portico") / "engine"
