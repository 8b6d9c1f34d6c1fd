"""What the environment may say about users. Sizes as `19MiB`, durations as `15m`."""

from typing import Annotated

import msgspec

from runtime.settings import Secret
from runtime.units import Duration, Size

Count = Annotated[int, msgspec.Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults of Argon2id are the least that OWASP's Password Storage Cheat Sheet asks for.

    19 MiB a hash keeps four instances with full workers below 160 MiB, and a login near 30 ms of one core.
    """

    database_url: Secret
    signing_keys_dir: str  # holds <kid>.pem files: Ed25519, PKCS#8
    token_issuer: str = "portico"  # noqa: S105  a name, not a secret
    token_audience: str = "portico"  # noqa: S105  a name, not a secret
    access_lifetime: Duration = Duration(900)
    refresh_lifetime: Duration = Duration(30 * 86400)  # of a refresh token that nobody uses
    argon2_memory: Size = Size(19 * 1024**2)
    argon2_passes: Count = 2
    argon2_lanes: Count = 1
    password_workers: Count = 2  # hashes at once
    password_queue: Count = 32  # hashes that may wait: about half a second's work of two workers
