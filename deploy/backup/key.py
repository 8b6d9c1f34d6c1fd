"""The key that a stack signs its backups with: made once, in a file for its owner's eyes only.

It lies beside the backups' folder and not among the secrets: `just down --data` deletes those, and backups stay.
"""

import secrets
from pathlib import Path
from typing import NamedTuple

from deploy.engine import Refusal

NAME = "backup-key"
_BYTES = 32
_LONGEST = 4 * _BYTES  # characters that are read of one


class Keys(NamedTuple):
    """Those of a restore: this stack's, and that of who made the backup; None: it may be anybody."""

    own: bytes
    of: bytes | None


def own(state: Path) -> bytes:
    """The key of the stack whose folder is `state`; a new one, if it has none yet."""
    file = state / NAME
    if not file.exists():
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_name(f".{NAME}")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(_BYTES) + "\n", encoding="ascii")
        fresh.rename(file)
    return given(file)


def given(file: Path) -> bytes:
    """The key in `file`. Raises Refusal for what is none, and OSError."""
    try:
        with file.open(encoding="ascii") as opened:
            key = bytes.fromhex(opened.read(_LONGEST))
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) != _BYTES:
        raise Refusal(f"{file} holds no key of backups: that is {2 * _BYTES} hexadecimal digits.")
    return key
