"""What nobody else may read: Redis' password, the databases' URLs, the keys that tokens are signed with.

Secrets are files in a folder of mode 0700, each of mode 0600; a function is told their paths and never their values.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.engine import GATEWAY
from deploy.front import LOOPBACK
from deploy.local.layout import Layout
from runtime import silence


def write(layout: Layout, environment: Mapping[str, str]) -> None:
    """Everything a stack needs before its first program starts. Signing keys that are there stay."""
    keys = layout.secrets / "signing"
    keys.mkdir(parents=True, exist_ok=True)
    for folder in (layout.secrets, keys):
        folder.chmod(0o700)
    _redis(layout)
    for function in layout.functions:
        layout.database_url(function).unlink(missing_ok=True)
    add(layout, environment)
    if not any(keys.glob("*.pem")):
        from runtime.identity import signing_keys  # noqa: PLC0415  what makes keys is imported by who makes some

        signing_keys.create(keys, mode=0o600)


def add(layout: Layout, environment: Mapping[str, str]) -> None:
    """What functions need that are new since then; nothing that a running one knows is changed."""
    for function in layout.functions:
        file = layout.database_url(function)
        if function != GATEWAY and not file.exists():
            keep(file, database_url(layout, function, environment))


def database_url(layout: Layout, function: str, environment: Mapping[str, str]) -> str:
    """DATABASE_URL_<FUNCTION> if that is set, else a SQLite file of the function's own."""
    variable = f"DATABASE_URL_{function.upper().replace('-', '_')}"
    return environment.get(variable) or f"sqlite:///{layout.data / f'{function}.db'}"


def keep(file: Path, text: str) -> None:
    """Writes a secret; nobody else can read it at any moment."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _redis(layout: Layout) -> None:
    """A new password for each start: nothing in Redis outlives it."""
    password = secrets.token_urlsafe(32)
    keep(layout.secrets / "redis-url", f"redis://:{password}@{LOOPBACK}:{layout.redis_port}/0")
    keep(layout.secrets / "redis.conf", redis_config(password, layout.redis_port, "noeviction"))
    keep(layout.secrets / "cache-url", f"redis://:{password}@{LOOPBACK}:{layout.cache_port}/0")
    keep(layout.secrets / "redis-cache.conf", redis_config(password, layout.cache_port, "allkeys-lfu"))


def redis_config(password: str, port: int, policy: str) -> str:
    """Nothing is saved: limits live for a minute or so and are seeded again by gateways, and a cache fills again."""
    return f"""bind {LOOPBACK}
port {port}
requirepass {password}
tcp-keepalive {silence.QUIET}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy {policy}
"""
