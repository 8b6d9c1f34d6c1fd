"""What an image is made of, as CycloneDX tells it: the packages that its lock file names, and the image below them.

In: a lock file (requirements/GROUP.txt), the Dockerfile's Python. Out: a bill of materials. Pure: nothing is asked of
anybody, so that the same lock makes the same bill, but for its date and number.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.markers import default_environment
from packaging.requirements import Requirement

_BASE = re.compile(r"^ARG PYTHON=(\S+):((\d+\.\d+)\.\d+)(\S*)$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Base:
    """The image that functions' images are made from; `version` is that of its Python."""

    name: str
    tag: str
    version: str

    @classmethod
    def read(cls, dockerfile: str) -> "Base":
        """Raises ValueError when the Dockerfile doesn't say."""
        found = _BASE.search(dockerfile)
        if not found:
            raise ValueError("no ARG PYTHON with an image and a version")
        return cls(found[1], found[2] + found[4], found[2])

    @property
    def environment(self) -> Mapping[str, str]:
        """What a marker is asked about (PEP 508), in that image: markers name the interpreter, and what it runs on."""
        python = {"python_version": self.version.rpartition(".")[0], "python_full_version": self.version}
        linux = {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"}
        named = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
        return {**{name: str(value) for name, value in default_environment().items()}, **python, **linux, **named}


@dataclass(frozen=True, slots=True)
class Package:
    """One that an image holds; `hashes` are those of every file that it may have been installed from."""

    name: str
    version: str
    hashes: tuple[str, ...]


def packages(lock: str, base: Base) -> Iterator[Package]:
    """Those of a lock file that are for `base`."""
    for line in re.sub(r"\\\n", " ", lock).splitlines():
        said, _, hashes = line.partition(" --hash=")
        if not said.strip() or said.lstrip().startswith("#"):
            continue
        asked = Requirement(said.strip())
        if asked.marker is None or asked.marker.evaluate(dict(base.environment)):
            yield Package(asked.name, str(asked.specifier).removeprefix("=="), (*_HASH.findall(f"--hash={hashes}"),))


def bill(image: str, lock: str, base: Base) -> str:
    """The bill of materials of `image`, as JSON (CycloneDX 1.6)."""
    bom = Bom()
    bom.metadata.component = Component(name=image, type=ComponentType.CONTAINER)
    below = PackageURL("docker", "library", base.name, base.tag)
    bom.components.add(Component(name=base.name, version=base.tag, type=ComponentType.CONTAINER, purl=below))
    bom.components.update(map(_component, packages(lock, base)))
    bom.register_dependency(bom.metadata.component, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(package: Package) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=package.name, version=package.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes],
    )
