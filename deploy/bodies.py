"""Manifests -> what nginx takes of a request's body, path by path.

A body of up to HELD_BODY bytes stays in memory, and nginx takes no more: not of a path that no route has, either. Where
a route takes more, nginx does too, and keeps what it has read in a file; how many may do that at once follows from how
large they are. In: the folder of the functions. Out: nginx's text.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from functions.gateway.routes import DEFAULTS
from runtime.manifest import Manifest, ManifestError, folders
from runtime.sizes import HELD_BODY, LARGEST_BODY

FILES = 8 * LARGEST_BODY  # bytes that bodies of one size may take in files at once
ONE = 4  # the part of those that one address may have
_KEYED = 440  # statuses from here on mean: a keyed POST, whose body may be so large; 418 is for those that are small


def locations(root: Path) -> str:
    """A location for each path that takes more than is held in memory; "" where none does."""
    larger = _larger(root)
    statuses = {size: _KEYED + number for number, size in enumerate(sorted({*larger.values()}))}
    keyed = (_keyed(size, status) for size, status in statuses.items())
    return " ".join([*keyed, *(_location(path, size, statuses[size]) for path, size in sorted(larger.items()))])


def _larger(root: Path) -> dict[str, int]:
    """The largest body at each path whose routes take more than is held in memory, in bytes."""
    found: dict[str, int] = {}
    for manifest in _readable(root):
        for route in manifest.route:
            largest = int(route.over(manifest.defaults).over(DEFAULTS).body or 0)
            if largest > HELD_BODY:
                found[route.path] = max(largest, found.get(route.path, 0))
    return found


def _readable(root: Path) -> Iterator[Manifest]:
    """What is wrong with the others is for the gateway to say: it doesn't start on them."""
    for folder in folders(root):
        try:
            yield Manifest.read(folder)
        except ManifestError:
            continue


def _location(path: str, size: int, status: int) -> str:
    onward = f"if ($keyed) {{ return {status}; }} include snippets/onward.conf;"
    return f'location ~ "{_pattern(path)}" {{ {_bounds(size)} {onward} }}'


def _keyed(size: int, status: int) -> str:
    """As the `@keyed` of what is small."""
    onward = f"{_bounds(size)} include snippets/keyed.conf;"
    return f"error_page {status} = @keyed_{size}; location @keyed_{size} {{ {onward} }}"


def _bounds(size: int) -> str:
    """A limit_conn in a location hides those above, so theirs is said again."""
    files = max(ONE, FILES // size)
    return (
        f"client_max_body_size {size}; include snippets/at-once.conf;"
        f" limit_conn files {files}; limit_conn files_of_one {files // ONE};"
    )


def _pattern(path: str) -> str:
    """The paths that a route matches, as nginx sees them: decoded (PCRE)."""
    steps = re.split(r"(\{[a-z_]+(?:\.\.\.)?\})", path)
    return f"^{''.join(_step(step) for step in steps)}$"


def _step(text: str) -> str:
    if not text.startswith("{"):
        return re.escape(text)
    return ".*" if text.endswith("...}") else "[^/]+"
