"""A gateway's metrics, read inside its container: from outside only nginx can be reached.

In: containers, as `docker inspect` tells them. Out: a way to read each one's page.
"""

import subprocess
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from deploy.known import Metrics

_READ = """
import os, urllib.request
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # Docker may put a proxy in every environment
print(direct.open(f"http://127.0.0.1:{os.environ['PORT']}/metrics", timeout=2).read().decode())
"""


def pages(containers: Iterable[Mapping[str, Any]]) -> dict[str, Metrics]:
    """Of each container, by its name."""
    return {str(container["Name"]).lstrip("/"): partial(_page, str(container["Id"])) for container in containers}


def _page(container: str) -> str:
    command = ["docker", "exec", container, "python", "-c", _READ]
    return subprocess.run(command, check=False, text=True, capture_output=True).stdout
