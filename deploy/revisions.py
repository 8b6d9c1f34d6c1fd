"""Revisions on disk: what the checkout's manifests were when somebody had gateways take them in.

Each lies in `<folder>/<revision>/<function>/function.toml`; `current` beside them points to the one that is served,
and `previous` to the one that the last deploy replaced. A gateway that starts reads `current`. Whoever runs it may
read them: there is no secret in a manifest.
"""

import shutil
from pathlib import Path

from deploy import bodies
from functions.gateway.revisions import CURRENT, named, whole
from runtime.manifest import FILE, folders

PREVIOUS = "previous"
BODIES = "bodies.conf"  # what nginx takes of bodies, by these manifests

_KEPT = 8  # beside those that something points to: a gateway that is about to start may still read one
_FOLDER, _READABLE = 0o755, 0o644


class Revisions:
    """Those of one stack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, manifests: Path) -> str:
        """Copies the manifests below `manifests`, unless that is there already; the revision's name."""
        revision = named(manifests)
        if not whole(self.folder, revision):
            fresh = self.folder / ".fresh"
            for place in (fresh, self.path(revision)):
                shutil.rmtree(place, ignore_errors=True)
            for folder in folders(manifests):
                self._copy(folder / FILE, fresh / folder.name)
            fresh.mkdir(_FOLDER, parents=True, exist_ok=True)
            (fresh / BODIES).write_text(f"{bodies.locations(fresh)}\n")
            (fresh / BODIES).chmod(_READABLE)
            for place in (self.folder, fresh):
                place.chmod(_FOLDER)
            fresh.replace(self.path(revision))
        return revision

    def path(self, revision: str) -> Path:
        return self.folder / revision

    def bodies(self, revision: str) -> str:
        """What nginx reads of it; "" of none."""
        file = self.path(revision) / BODIES
        return file.read_text() if revision and file.exists() else ""

    @property
    def current(self) -> str:
        """Empty where none was ever served."""
        return self._read(CURRENT)

    @property
    def previous(self) -> str:
        """Empty where the last deploy replaced none, or there was none."""
        return self._read(PREVIOUS)

    def serve(self, revision: str) -> None:
        """A gateway that starts from now on reads this one."""
        self._point(CURRENT, revision)

    def remember(self, revision: str) -> None:
        """This is what the last deploy replaced; "": none."""
        self._point(PREVIOUS, revision)

    def prune(self) -> None:
        """Deletes the oldest of those that nothing points to."""
        pointed = {self.current, self.previous}
        loose = [each for each in self.folder.iterdir() if each.is_dir() and not each.is_symlink()]
        loose = sorted((each for each in loose if each.name not in pointed), key=lambda each: each.stat().st_mtime_ns)
        for folder in loose[:-_KEPT]:
            shutil.rmtree(folder)

    def _read(self, name: str) -> str:
        try:
            return str((self.folder / name).readlink())
        except OSError:
            return ""

    def _point(self, name: str, revision: str) -> None:
        """At once, so a crash leaves the one of before or the one of now."""
        link = self.folder / name
        if not revision:
            link.unlink(missing_ok=True)
            return
        fresh = self.folder / f".{name}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(revision)
        fresh.replace(link)

    def _copy(self, file: Path, folder: Path) -> None:
        folder.mkdir(_FOLDER, parents=True)
        folder.chmod(_FOLDER)
        shutil.copyfile(file, folder / FILE)
        (folder / FILE).chmod(_READABLE)
