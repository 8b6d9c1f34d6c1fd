"""Releases: copies of what instances run from, so that an edit changes nothing until it is deployed.

A release is what an image is in containers: the runtime and one function, and of the gateway everybody's manifest. It
lies in `releases/<function>/<digest>`; `current` beside it points to the one that runs, `previous` to the one that the
last deploy replaced, if it replaced any. Packages are not in it: they are those of .venv.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.local import source

_CURRENT, _PREVIOUS = "current", "previous"


class Pointers(NamedTuple):
    """Digests of a function's releases; "" where there is none."""

    current: str = ""
    previous: str = ""


class Releases:
    """Those of one stack, below `folder`; `root` is the checkout that they are taken from."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder

    def take(self, function: str) -> str:
        """Copies the function as the checkout has it now, unless that is there already; its digest."""
        digest = source.digest(self._root, function)
        target = self.path(function, digest)
        if not target.exists():
            fresh = target.with_name(f".{digest}")
            shutil.rmtree(fresh, ignore_errors=True)
            for file in source.files(self._root, function):
                copy = fresh / file.relative_to(self._root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)  # not its mode: whom the checkout lets write must not change what runs
            fresh.replace(target)
        return digest

    def path(self, function: str, digest: str) -> Path:
        return self._folder / function / digest

    def pointers(self, function: str) -> Pointers:
        return Pointers(self._read(function, _CURRENT), self._read(function, _PREVIOUS))

    def point(self, function: str, pointers: Pointers) -> None:
        """Each is changed at once, so a crash leaves the one of before or the one of now."""
        for name, digest in zip((_CURRENT, _PREVIOUS), pointers, strict=True):
            link = self._folder / function / name
            if not digest:
                link.unlink(missing_ok=True)
                continue
            fresh = link.with_name(f".{name}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(digest)
            fresh.replace(link)

    def adopt(self, digests: Mapping[str, str]) -> list[str]:
        """Makes these the current ones; the functions that this changed. Of the others nothing is previous any more."""
        before = {function: self.pointers(function) for function in digests}
        changed = [function for function, digest in digests.items() if digest != before[function].current]
        for function in digests if changed else ():
            replaced = before[function].current if function in changed else ""
            self.point(function, Pointers(digests[function], replaced))
        return changed

    def prune(self, function: str) -> None:
        """Deletes releases that nothing points to."""
        kept = {_CURRENT, _PREVIOUS, *self.pointers(function)}
        for folder in (self._folder / function).iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)

    def _read(self, function: str, name: str) -> str:
        try:
            return str((self._folder / function / name).readlink())
        except FileNotFoundError:
            return ""
