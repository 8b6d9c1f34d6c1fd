"""Manifests -> what nginx takes of a request's body, path by path.

A body of up to HELD_BODY bytes stays in memory, and nginx takes no more: not of a path that no route has, either. Where
a route takes more, nginx does too, and keeps what it has read in a file; how many may do that at once follows from how
large they are. In: the folder of the functions. Out: nginx's text.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from functions.gateway.routes import DEFAULTS
from runtime.http.sizes import HELD_BODY, LARGEST_BODY
from runtime.manifest import Manifest, ManifestError, folders

FILES = 8 * LARGEST_BODY  # bytes that bodies of one size may take in files at once
ONE = 4  # the part of those that one address may have
_UNSAID = "if ($portico_unsaid) { set $portico_on @held; return 418; }"


def locations(root: Path) -> str:
    """A location for each path that takes more than is held in memory; "" where none does."""
    larger = _larger(root)
    keyed = (_keyed(size) for size in sorted({*larger.values()}))
    return " ".join([*keyed, *(_location(pattern, size) for pattern, size in larger.items())])


def _larger(root: Path) -> dict[str, int]:
    """The largest body by the pattern of its paths, where that is more than is held in memory.

    nginx takes the first that matches, so they stand in the order in which a gateway looks for a route: it would refuse
    else what its gateways take. Two routes may name the parameters of the same paths differently.
    """
    found: dict[str, int] = {}
    for path, size in sorted(_sizes(root), key=lambda each: _kinds(each[0])):
        pattern = _pattern(path)
        found[pattern] = max(size, found.get(pattern, 0))
    return found


def _sizes(root: Path) -> Iterator[tuple[str, int]]:
    for manifest in _readable(root):
        for route in manifest.route:
            largest = int(route.over(manifest.defaults).over(DEFAULTS).body or 0)
            if largest > HELD_BODY:
                yield route.path, largest


def _readable(root: Path) -> Iterator[Manifest]:
    """What is wrong with the others is for the gateway to say: it doesn't start on them."""
    for folder in folders(root):
        try:
            yield Manifest.read(folder)
        except ManifestError:
            continue


def _location(pattern: str, size: int) -> str:
    onward = f"set $portico_on {_named(size)}; include snippets/onward.conf;"
    return f'location ~ "{pattern}" {{ {_bounds(size)} {onward} {_UNSAID} }}'


def _keyed(size: int) -> str:
    """As the `@keyed` of what is small."""
    return f"location {_named(size)} {{ {_bounds(size)} include snippets/keyed.conf; }}"


def _named(size: int) -> str:
    return f"@keyed_{size}"


def _bounds(size: int) -> str:
    """A limit_conn in a location hides those above, so theirs is said again."""
    files = max(ONE, FILES // size)
    return (
        f"client_max_body_size {size}; include snippets/at-once.conf;"
        f" limit_conn files {files}; limit_conn files_of_one {files // ONE};"
    )


def _kinds(path: str) -> list[int]:
    """What it is sorted by: a step as it is comes before a parameter, and that before a rest (gateway's routes.py)."""
    return [step.startswith("{") + step.endswith("...}") for step in path.split("/")]


def _pattern(path: str) -> str:
    """The paths that a route matches, as nginx sees them: decoded (PCRE)."""
    steps = re.split(r"(\{[a-z_]+(?:\.\.\.)?\})", path)
    return f"^{''.join(_step(step) for step in steps)}$"


def _step(text: str) -> str:
    if not text.startswith("{"):
        return re.escape(text)
    return ".*" if text.endswith("...}") else "[^/]+"
