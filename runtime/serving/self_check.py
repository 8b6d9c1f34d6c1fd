"""Has an instance show that it works: `python -m runtime.serving.self_check NAME...`, beside it, where its function is.

In: PORT, FUNCTIONS_DIR where manifests lie elsewhere than beside it, and the names of functions whose `smoke` it must
answer: its own, or for a gateway those that are behind it.
Exit code 0 when it is ready, its dependencies are up and each of these calls succeeded; 1 with one sentence otherwise.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from runtime.manifest import Manifest

_START = 30.0  # seconds until it must be ready
_ANSWER = 10.0  # seconds that one answer may take
_PAUSE = 0.05  # seconds between two looks


def main(names: Iterable[str], port: int, folder: Path = Path("functions")) -> str:
    """What is wrong, "" when nothing is."""
    give_up = time.monotonic() + _START
    while _status(port, "/readyz") != 200:
        if time.monotonic() > give_up:
            return f"it is not ready after {_START:.0f} s"
        time.sleep(_PAUSE)
    return _sick(port) or next((fault for path in smoke(folder, names) if (fault := _fault(port, path))), "")


def smoke(folder: Path, names: Iterable[str]) -> list[str]:
    """The calls that these functions name in their manifests."""
    manifests = [Manifest.read(folder / name) for name in names]
    return [manifest.smoke for manifest in manifests if manifest.smoke]


def _sick(port: int) -> str:
    dependencies = json.loads(_answer(port, "/health")[1])["dependencies"]
    return next((f"its {name} is {state}" for name, state in dependencies.items() if state != "up"), "")


def _fault(port: int, path: str) -> str:
    status = _status(port, path)
    return "" if 200 <= status < 300 else f"GET {path} was answered {status or 'not at all'}"


def _status(port: int, path: str) -> int:
    """0 when no answer could be had."""
    try:
        return _answer(port, path)[0]
    except (OSError, http.client.HTTPException):
        return 0


def _answer(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


if __name__ == "__main__":
    manifests = Path(os.environ.get("FUNCTIONS_DIR") or "functions")
    sys.exit(main(sys.argv[1:], int(os.environ["PORT"]), manifests) or 0)
