"""What NGINX Unit is told of functions: an application object for each, and one configuration of all.

Pure but for reading manifests and what the containers are told. It never says threads (a function is one loop), home (a
package holds all that it needs), factory, stdout or stderr (logs go where Unit keeps them), nor PYTHON*. Its keys are
those of Unit's own validation, src/nxt_conf_validation.c of 1.35.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.engine import GATEWAY, Refusal
from functions.gateway.routes import Route, compile_routes
from runtime.manifest import Manifest, read_all
from runtime.serving.serve import HEADER_READ_TIMEOUT

Object = dict[str, Any]

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"  # the Python that runs this
HOME = "/srv/portico"  # where packages are unpacked, a folder each
PROCESSES = 4  # a plain number: while it starts one more, unitd does not end on SIGTERM
FOLDER, WHOLE = Path("deploy/unit"), "config.json"
PACKAGES = "packages"  # the folder of a package that holds what its function needs
_FIRST_PORT = 8001
_MOMENT = 1  # seconds for which Unit waits longer than the function, which knows its deadline
_TOLD = r"(?m)^  {name}:\n(?:    .*\n)*?    environment:(?P<inline>.*)\n(?P<lines>(?:      \S.*\n)*)"
_VARIABLE = re.compile(r"      (?P<name>[A-Z][A-Z0-9_]*): (?P<value>\S+)")


def application(root: Path, name: str, language: str = f"python {HERE}", home: str = "") -> Object:
    """The object of function `name`, unpacked in `home`; `language` says a version, too. Raises Refusal."""
    manifests = read_all(root / "functions")
    manifest = next((each for each in manifests if each.name == name), None)
    if manifest is None or manifest.app is None or name not in served(manifests):
        there = ", ".join(served(manifests))
        raise Refusal(f"There is no function {name} that Unit could serve: there are {there}.")
    home = home or f"{HOME}/{name}"
    return {
        "type": language,
        "protocol": "asgi",
        "path": [home, f"{home}/{PACKAGES}"],
        "working_directory": home,
        "module": manifest.app.module,
        "callable": manifest.app.callable,
        "environment": {"LOG_FORMAT": "json", **told(root / "functions" / name / "compose.yml", name)},
        "processes": PROCESSES,
        "limits": {"timeout": _longest(route for route in compile_routes(manifests) if route.function == name)},
    }


def configuration(applications: Mapping[str, Object], largest_body: int) -> Object:
    """All of them in one Unit, each behind a port of its own on the loopback, in the order of their names."""
    return {
        "settings": {
            "http": {
                "header_read_timeout": int(HEADER_READ_TIMEOUT),
                "idle_timeout": int(HEADER_READ_TIMEOUT),
                "max_body_size": largest_body,
                "server_version": False,
                "chunked_transform": True,
            }
        },
        "listeners": {
            f"127.0.0.1:{_FIRST_PORT + index}": {"pass": f"applications/{name}"}
            for index, name in enumerate(sorted(applications))
        },
        "applications": dict(sorted(applications.items())),
    }


def largest_body(root: Path) -> int:
    """Bytes: what the most generous route lets in."""
    return max((int(route.policy.body or 0) for route in compile_routes(read_all(root / "functions"))), default=0)


def served(manifests: list[Manifest]) -> list[str]:
    """The functions that a Unit may serve: those with an app, but for the gateway, which has to hear who leaves."""
    return [each.name for each in manifests if each.app and each.name != GATEWAY]


def files(root: Path, python: str = HERE, below: str = HOME) -> dict[Path, str]:
    """What deploy/unit holds: one configuration, and an object for each function. Raises Refusal."""
    names = served(read_all(root / "functions"))
    applications = {name: application(root, name, f"python {python}", unpacked(below, name)) for name in names}
    objects = {WHOLE: configuration(applications, largest_body(root))}
    objects |= {f"{name}.json": each for name, each in applications.items()}
    return {FOLDER / name: f"{json.dumps(each, indent=2)}\n" for name, each in objects.items()}


def write(root: Path, python: str = HERE, below: str = HOME) -> list[Path]:
    """Makes deploy/unit hold that and nothing else; the files. Raises Refusal."""
    wanted = files(root, python, below)
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for file in (root / FOLDER).glob("*.json"):
        if file.relative_to(root) not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (root / name).write_text(text, encoding="utf-8")
    return list(wanted)


def told(compose: Path, name: str) -> dict[str, str]:
    """The environment that the function's container gets. Raises Refusal where it is not written line by line."""
    found = re.search(_TOLD.replace("{name}", re.escape(name)), compose.read_text(encoding="utf-8"))
    if found is None:
        return {}
    lines = [_VARIABLE.fullmatch(line) for line in [*found["lines"].splitlines(), *found["inline"].split()]]
    if not all(lines):
        raise Refusal(f"{compose}: environment: write it as lines `NAME: value`, so that Unit can be told the same.")
    return {line["name"]: line["value"].strip("\"'") for line in lines if line}


def unpacked(below: str, name: str) -> str:
    """The folder of a package. Raises Refusal for one that Unit would not find."""
    if not below.startswith("/"):
        raise Refusal(f"--home {below}: Unit needs the whole path, from / on.")
    return f"{below.rstrip('/')}/{name}"


def _longest(routes: Iterable[Route]) -> int:
    """Seconds: a route's deadline, and a moment."""
    return math.ceil(max((float(route.policy.deadline or 0) for route in routes), default=0)) + _MOMENT
