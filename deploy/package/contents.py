"""Which files of a checkout go into a package: those of the function and the runtime that git knows, and no secret.

In: a checkout and a name. Out: files, or a Refusal that names the one that may not leave. Where there is no git, all
that is there is taken. It reads only.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.engine import Refusal
from deploy.local import source

_NAMES = re.compile(  # also of one that was kept when another came, and of what SQLite writes beside its file
    r"(.*\.env(\..+)?|.+\.(pem|key|p12|pfx|jks|kdbx|ppk|db|sqlite3?)|id_(rsa|dsa|ecdsa|ed25519)"
    r"|\.netrc|\.pgpass|backup-key)(~|\.(bak|old|orig|save)|-(wal|shm|journal))?",
    re.IGNORECASE,
)
_SHAPES = {
    "a private key": re.compile(
        rb"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----|\bMC4CAQAwBQYDK2VwBCIE[\w+/]{10,}|PuTTY-User-Key-File-\d"
        rb"|LS0tLS1CRUdJTi(BQUklWQVRF|BSU0EgUFJJVkFU|BFQyBQUklWQVRF|BPUEVOU1NIIFBS|BFTkNSWVBURUQg)"  # in base64
    ),
    "a private key (DER)": re.compile(
        rb"\A\x30([^\x80-\xff]|\x81.|\x82..)\x02\x01(\x00\x30.\x06|\x00\x02\x82|\x01\x04)", re.DOTALL
    ),
    "a private key (JWK)": re.compile(rb'"d"\s*:\s*"[\w-]{40,}"'),
    "a token": re.compile(rb"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}"),
    "an API key": re.compile(
        rb"\bportico_[\w-]{43}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bgithub_pat_\w{22}"
        rb"|\bxox[abeprs]-[\w-]{10,}|\b[rs]k_live_\w{16,}|\bAIza[\w-]{35}|\bglpat-[\w-]{20}"
    ),
    "a password": re.compile(
        rb"^\s*requirepass\s+\S|\baws_secret_access_key\W+[\w/+]{40}", re.MULTILINE | re.IGNORECASE
    ),
    "a database": re.compile(rb"\ASQLite format 3\0"),
    "a password in a URL": re.compile(rb"://[\w.%-]*:(?!password@|\{|\$|<)[^\s/@:'\"`]{3,}@[\w\[]"),
}


def files(root: Path, name: str) -> list[Path]:
    """What goes in. Raises Refusal."""
    there, known = source.files(root, name), _known(root, name)
    if known is not None and root / "functions" / name / "function.toml" not in known:
        raise Refusal(f"git does not know functions/{name}: `git add functions/{name}`, and then pack it.")
    chosen = there if known is None else [file for file in there if file in known]
    for file in chosen:
        if why := _secret(root, file):
            raise Refusal(f"{file.relative_to(root)} {why}: take it away, as secrets come with the environment.")
    return chosen


def left_out(root: Path, name: str) -> list[Path]:
    """What lies beside it, and git does not know."""
    known = _known(root, name)
    return [] if known is None else [file for file in source.files(root, name) if file not in known]


def _known(root: Path, name: str) -> set[Path] | None:
    """None where `root` is no git repository, nor in one."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return None
    # A hook is told of a repository by the environment; this asks about the one that the checkout is.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(root), "ls-files", "-z", "--", "runtime", f"functions/{name}"]
    try:
        done = subprocess.run(command, env=environment, check=False, capture_output=True)
    except FileNotFoundError:
        raise Refusal("git must be installed: a package holds what it knows of this checkout.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Refusal(f"git can't say what it knows of this checkout ({said[0] if said else 'it did not say why'}).")
    return {root / os.fsdecode(path) for path in done.stdout.split(b"\0") if path}


def _secret(root: Path, file: Path) -> str:
    """What is wrong with taking it along; "" when nothing is."""
    if not file.resolve().is_relative_to(root.resolve()):
        return "leads out of the checkout"
    return next(_reasons(file), "")


def _reasons(file: Path) -> Iterator[str]:
    if _NAMES.fullmatch(file.name):
        yield "is called as secrets and databases are"
    content = file.read_bytes()
    spellings = (content, content.replace(b"\0", b""))  # UTF-16, too
    yield from (f"holds {kind}" for kind, shape in _SHAPES.items() if any(map(shape.search, spellings)))
