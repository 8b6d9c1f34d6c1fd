"""Revisions: the set of all manifests, named by what is in it.

In: a folder of functions, or one that holds revisions side by side. Out: names, and where the one lies that gateways
serve: `current` points to it, and is replaced as a whole; and what a gateway says of them. Verbs write them
(deploy/revisions.py); a gateway only reads.
"""

import hashlib
import re
from pathlib import Path

import msgspec

from runtime.manifest import FILE, content, folders

CURRENT = "current"

_NAME = re.compile(r"[0-9a-f]{12}")


class Said(msgspec.Struct, frozen=True):
    """Which revision is served, and why not another; `rolls`: a gateway that starts can take that one in."""

    revision: str
    why: list[str] = []
    rolls: bool = False


def named(root: Path) -> str:
    """The name of the revision that the manifests below `root` are. Raises OSError where one can't be read."""
    found = hashlib.sha256()
    for folder in folders(root):
        found.update(folder.name.encode(errors="surrogateescape") + b"\0")
        found.update(hashlib.sha256(content(folder / FILE)).digest())
    return found.hexdigest()[:12]


def whole(folder: Path, revision: str) -> bool:
    """Whether `revision` lies in `folder`, and is what its name says."""
    place = folder / revision
    try:
        return bool(_NAME.fullmatch(revision)) and place.is_dir() and named(place) == revision
    except OSError:
        return False


def current(folder: str, otherwise: str) -> Path:
    """Where the manifests lie that a gateway serves: the current revision below `folder`, or `otherwise`.

    The latter is what a gateway was made with; it counts where nothing was ever applied.
    """
    pointer = Path(folder, CURRENT)
    return pointer.resolve() if folder and pointer.is_dir() else Path(otherwise)
