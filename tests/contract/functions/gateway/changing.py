"""A town whose manifests change while it runs, and what verbs say to its gateways."""

import json
import shutil
import socket
from pathlib import Path
from tempfile import mkdtemp

from functions.gateway.revisions import CURRENT, named
from tests.contract.functions.gateway.town import ROUTES, Town, manifest

LIMITED = "GET /echo/limited"


class Talk:
    """A verb's conversation with one gateway."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")

    def say(self, words: str) -> dict[str, object]:
        self._socket.sendall(f"{words}\n".encode())
        told: dict[str, object] = json.loads(self._lines.readline())
        return told

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class Changing:
    """A town whose manifests change: `set` says what the next revision is, `apply` has every gateway take it."""

    def __init__(self, folder: Path, redis_url: str, name: str, *, gateways: int = 1, instances: int = 1) -> None:
        self.sockets = Path(mkdtemp(prefix="p-"))  # a socket's path has few bytes
        self.name = name
        self.manifests = folder / "manifests"
        self._next = folder / "functions"
        self.manifests.mkdir()
        told = {"MANIFESTS_DIR": str(self.manifests), "CONTROL_DIR": str(self.sockets)}
        self.town = Town(folder, redis_url, name=self.name, gateways=gateways, instances=instances, **told)

    def set(self, *, also: str = "", **changed: str) -> str:
        """Writes a revision in which `things` has other policies; `also`: a manifest more. Its name."""
        text = manifest(self.name)
        for match, policy in changed.items():
            text = text.replace(f'match = "{match}"\n{ROUTES[match]}', f'match = "{match}"\n{policy}')
        return self.write({"things": text, **({"legacy": also} if also else {})})

    def write(self, texts: dict[str, str]) -> str:
        """A revision of these manifests; its name."""
        fresh = self.manifests / "fresh"
        for name, text in texts.items():
            (fresh / name).mkdir(parents=True)
            (fresh / name / "function.toml").write_text(text)
        revision = named(fresh)
        if (self.manifests / revision).exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(self.manifests / revision)
        return revision

    def talks(self) -> list[Talk]:
        return [Talk(path) for path in sorted(self.sockets.iterdir())]

    def apply(self, revision: str) -> list[dict[str, object]]:
        """Every gateway takes it in; what each said when it had."""
        talks = self.talks()
        assert [talk.say(f"prepare {revision}")["why"] for talk in talks] == [[]] * len(talks)
        pointer = self.manifests / ".next"
        pointer.symlink_to(revision)
        pointer.replace(self.manifests / CURRENT)
        said = [talk.say("take") for talk in talks]
        for talk in talks:
            talk.close()
        assert {str(each["revision"]) for each in said} == {revision}
        return said

    def end(self) -> None:
        self.town.end()
        shutil.rmtree(self.sockets)
