"""Rotates the keys that tokens are signed with: a folder and a moment go in, a folder with a newer key comes out.

It restarts nothing and tells nobody: functions look into the folder, and whoever checks tokens asks them again and
again.
"""

from dataclasses import dataclass
from pathlib import Path

from runtime.identity import rotation, signing_keys

KEPT = 86_400.0  # seconds that a key's file stays once another signs: longer than any token lives


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done; `begins` is when the new key begins to sign, in seconds since the epoch."""

    added: str
    begins: float
    removed: list[str]


def rotate(folder: Path, now: float, *, at_once: bool) -> Rotated:
    """Adds a key that signs as soon as everybody has heard of it; removes those that nobody needs any more.

    `at_once`: it signs from now on, and every other key is removed. Raises OSError.
    """
    old = {file.stem: file for file in sorted(folder.glob("*.pem"))}
    moment = now if at_once else now + rotation.AHEAD
    readers = next(iter(old.values())).stat().st_mode & 0o777 if old else 0o600
    added = signing_keys.create(folder, rotation.called(moment), readers).stem
    gone = set(old) if at_once else set(old) - set(rotation.believed([*old, added], now, KEPT))
    for kid in gone:
        old[kid].unlink()
    return Rotated(added, rotation.begins(added), sorted(gone))
