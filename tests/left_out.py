"""Why a run has no containers: no daemon, or one that has no images. Said once, and by the last line.

It needs nothing but the project's own code: every run of tests asks it, also one that wants no container.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

from deploy.choice import docker_answers
from deploy.docker.images import STAND_INS, build_bases
from deploy.engine import Refusal

NO_DAEMON = "no Docker daemon answers. Start Docker, then `just test` runs them too"
_PULLING = 300  # seconds that an image may take


@cache
def missing() -> str:
    """Why no container can be had, "" when one can; stand-ins for base images are made, if they are asked for.

    Found out once: hundreds of tests would say it, each in its own way.
    """
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
