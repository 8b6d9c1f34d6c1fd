"""What a containerised stack must not share: passwords, the databases' URLs, the keys that tokens are signed with.

Made once, on the first `up`, in a folder that only its owner may enter. Compose mounts files as they are, and functions
run as nobody in particular: so the files themselves may be read, and the folder keeps everyone else out.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path

from runtime import silence

_HOST = "postgres"


def write(folder: Path, functions: Iterable[str]) -> None:
    """Makes what is missing below `folder`, for each of `functions`. What is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    keys = folder / "signing"
    keys.mkdir(exist_ok=True)
    if not any(keys.glob("*.pem")):
        from runtime.identity import signing_keys  # noqa: PLC0415  what makes keys is imported by who makes some

        signing_keys.create(keys, mode=0o444)
    _keep(folder / "postgres-password", _password())
    _redis(folder)
    for function in functions:
        for role, kind in ((function, ""), (f"{function}_owner", "owner-")):
            password = _keep(folder / f"{function}-{kind}password", _password())
            _keep(folder / f"{function}-{kind}database-url", f"postgresql://{role}:{password}@{_HOST}/{function}")


def _redis(folder: Path) -> None:
    password = _keep(folder / "redis-password", _password())
    _keep(folder / "redis-url", f"redis://:{password}@redis:6379/0")
    _keep(folder / "cache-url", f"redis://:{password}@redis-cache:6379/0")
    _keep(folder / "redis.conf", _config(password, "noeviction"))
    _keep(folder / "redis-cache.conf", _config(password, "allkeys-lfu"))


def _config(password: str, policy: str) -> str:
    """Nothing is saved: limits live for a minute and are seeded again, a cache fills again."""
    return f"""requirepass {password}
tcp-keepalive {silence.QUIET}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy {policy}
"""


def _password() -> str:
    return secrets.token_urlsafe(32)


def _keep(file: Path, text: str) -> str:
    """What the file holds: `text`, if it was not there yet."""
    if not file.exists():
        file.touch(mode=0o444)
        file.chmod(0o644)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o444)
    return file.read_text(encoding="utf-8")
