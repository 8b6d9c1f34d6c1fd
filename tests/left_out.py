"""What a run leaves out, and why: no daemon, one that has no images, or an ENGINE that was asked for.

Found out once, and said once, by the last line. It needs nothing but the project's own code: every run of tests asks
it, also one that wants no container.
"""

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from deploy.choice import docker_answers
from deploy.docker.images import STAND_INS, build_bases
from deploy.engine import Refusal

ENGINES = ("local", "docker")
NO_CABLES = "Not run: the tests that pull cables, which want root and `ip` (iproute2)."
NO_DAEMON = "no Docker daemon answers. Start Docker, then `just test` runs them too"
_PULLING = 300  # seconds that an image may take


# For this process and all that it starts: the tests themselves run each thing on the engine that they say.
ENGINE = os.environ.setdefault("PORTICO_TEST_ENGINE", os.environ.pop("ENGINE", ""))
_FOUND = "PORTICO_TEST_NO_CONTAINERS"


def engines() -> list[str]:
    """Those that end-to-end tests run on."""
    return [name for name in ENGINES if ENGINE in ("", name) and not (name == "docker" and missing())]


def left_out(*, cables: bool) -> Iterator[str]:
    """A line for each kind of tests that was not run."""
    if not cables:
        yield NO_CABLES
    if ENGINE == "docker":
        yield "Not run: the tests on plain processes, as ENGINE=docker leaves them out."
    if why := missing():
        yield f"Not run: the tests in containers, as {why}."


@cache
def missing() -> str:
    """Why no container can be had, "" when one can; stand-ins for base images are made, if they are asked for.

    Found out once, and by one process: hundreds of tests would say it, each in its own way.
    """
    if _FOUND not in os.environ:
        os.environ[_FOUND] = _why()
    return os.environ[_FOUND]


def _why() -> str:
    if ENGINE == "local":
        return "ENGINE=local leaves them out"
    if not docker_answers():
        return NO_DAEMON
    if os.environ.get("BASE_IMAGES") == "local":
        try:
            build_bases(Path(__file__).parents[1], print)
        except Refusal as refusal:
            return f"base images can't be made: {refusal}"
    return next((why for image in STAND_INS.values() if (why := unpullable(image))), "")


def unpullable(image: str) -> str:
    """Why an image that is not there can't be pulled; "" when it is there (now)."""
    if not subprocess.run(["docker", "image", "inspect", image], check=False, capture_output=True).returncode:
        return ""
    try:
        pulled = subprocess.run(
            ["docker", "pull", "--quiet", image], check=False, capture_output=True, text=True, timeout=_PULLING
        )
    except subprocess.TimeoutExpired:
        said = f"it took more than {_PULLING} s"
    else:
        if not pulled.returncode:
            return ""
        said = (pulled.stderr.strip().splitlines() or ["it did not say why"])[-1]
    return (
        f"the Docker daemon can't pull {image} ({said}). See that it reaches a registry; "
        "on Debian, as root, BASE_IMAGES=local makes images in their place"
    )
