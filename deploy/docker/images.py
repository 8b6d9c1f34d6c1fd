"""Images: those of the functions, and stand-ins for the official ones where no image registry is in reach.

Stand-ins are asked for by BASE_IMAGES=local, made from Debian's packages, and kept under the very names that the
compose files use. With a registry nothing of this runs.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.engine import Refusal, Say

STAND_INS = {
    "python": "python:3.14.8-slim",
    "nginx": "nginx:1.30.6",
    "redis": "redis:8.0.6",
    "postgres": "postgres:18.6",
}

_DEBIAN = "portico/debian:forky"
_LABEL = "dev.portico.recipe"
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def ca_bundle(environment: Mapping[str, str]) -> str:
    """The host's certificates, so that a build works behind a proxy that inspects TLS; CA_BUNDLE names others."""
    given = environment.get("CA_BUNDLE")
    return given or next((bundle for bundle in _BUNDLES if Path(bundle).exists()), "/dev/null")


def build_bases(root: Path, say: Say) -> None:
    """Makes the stand-ins that are missing or whose recipe changed. Raises Refusal."""
    for name, tag in STAND_INS.items():
        folder = root / "deploy/docker/bases" / name
        recipe = _recipe(folder)
        if _label(tag) == recipe:
            continue
        _debian(say)
        say(f"Building a stand-in for {tag}")
        _docker("build", "--quiet", "--tag", tag, "--label", f"{_LABEL}={recipe}", str(folder))


def _debian(say: Say) -> None:
    """A minimal Debian forky: the one base of all stand-ins."""
    if _label(_DEBIAN) is not None:
        return
    if not shutil.which("mmdebstrap"):
        raise Refusal("mmdebstrap must be installed to make base images: sudo apt-get install mmdebstrap")
    say("Making a minimal Debian for the stand-ins")
    bootstrap = [
        "mmdebstrap", "--quiet", "--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")),
        "forky", "-",
    ]  # fmt: skip
    with subprocess.Popen(bootstrap, stdout=subprocess.PIPE) as made:
        imported = subprocess.run(
            ["docker", "import", "-", _DEBIAN], stdin=made.stdout, check=False, capture_output=True
        )
    if made.returncode or imported.returncode:
        raise Refusal("The minimal Debian can't be made: see mmdebstrap's words above; it must run as root.")


class Pointers(NamedTuple):
    """Identities of a function's images: of its tag, and of the tag that keeps what was replaced. "" where none is."""

    current: str = ""
    previous: str = ""


def pointers(tag: str) -> Pointers:
    """Of the images that have `tag`, and the tag beside it."""
    return Pointers(_identity(tag), _identity(f"{tag}-previous"))


def point(tag: str, wanted: Pointers) -> None:
    """Gives the tags to these images, or takes them away."""
    for name, image, had in zip((tag, f"{tag}-previous"), wanted, pointers(tag), strict=True):
        if image and image != had:
            _docker("tag", image, name)
        elif had and not image:
            _docker("image", "rm", "--no-prune", "--force", name)  # only the tag: somebody may still run on it


def size(tag: str) -> int:
    """Bytes of an image, all its layers together."""
    return int(_docker("image", "inspect", "--format", "{{.Size}}", tag))


def _identity(tag: str) -> str:
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", tag]
    return subprocess.run(command, check=False, text=True, capture_output=True).stdout.strip()


def _recipe(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _label(tag: str) -> str | None:
    """The recipe that an image was made by; "" for an image of somebody else, None where there is none."""
    form = f'{{{{index .Config.Labels "{_LABEL}"}}}}'
    result = subprocess.run(
        ["docker", "image", "inspect", "--format", form, tag], check=False, text=True, capture_output=True
    )
    return None if result.returncode else result.stdout.strip()


def _docker(*arguments: str) -> str:
    result = subprocess.run(["docker", *arguments], check=False, text=True, capture_output=True)
    if result.returncode:
        said = result.stderr.strip().splitlines()
        raise Refusal(f"docker {arguments[0]} failed: {said[-1] if said else 'it did not say why'}")
    return result.stdout
