"""What a new function may be called: its name becomes a Python package, a path, a host name and a database.

Pure but for reading the manifests that are there.
"""

import keyword
import re
from pathlib import Path

from deploy.engine import GATEWAY, Refusal
from runtime.manifest import read_all

_SHAPE = re.compile(r"[a-z][a-z0-9]{1,19}")
_SERVICES = {GATEWAY, "nginx", "postgres", "redis", "redis-cache"}
_PAGES = {"docs", "health", "livez", "metrics", "problems", "readyz"}  # the gateway's own first steps of a path


def check(root: Path, name: str) -> None:
    """Raises Refusal with the reason why no function below `root` can be called that."""
    if not _SHAPE.fullmatch(name):
        raise Refusal(f"A function can't be called {name!r}: write 2 to 20 lower-case letters and digits.")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise Refusal(f"A function can't be called {name}: it is a word of Python. Choose another name.")
    if name in _SERVICES:
        raise Refusal(f"A function can't be called {name}: the stack has a service of that name. Choose another name.")
    if name in _PAGES:
        raise Refusal(f"A function can't be called {name}: the gateway answers /{name} itself. Choose another name.")
    if (root / "functions" / name).exists():
        raise Refusal(f"There is a function {name} already, in functions/{name}. Choose another name.")
    for manifest in read_all(root / "functions"):
        if taken := [route.match for route in manifest.route if route.path.split("/")[1] == name]:
            raise Refusal(f"The path /{name} is taken: {manifest.name} has {taken[0]}. Choose another name.")
