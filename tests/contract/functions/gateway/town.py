"""A gateway and the functions behind it, each a real process started as production starts it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Thread

import msgspec

from tests.ports import free_port

ROOT = Path(__file__).parents[4]

MANIFEST = """
name = "things"

[app]
module = "tests.contract.functions.gateway.things"

[defaults]
auth = "public"
body = "1KiB"
"""

ROUTES = {
    "GET /echo": "",
    "POST /echo": "",
    "PUT /echo": "body = '64MiB'",
    "GET /echo/{rest}": "",
    "GET /echo/{rest}/more": "",
    "GET /cookies": "",
    "GET /sized": "",
    "GET /chunked": "",
    "GET /events": "",
    "GET /events/kept": "cache = 'shared'",
    "GET /hang": "deadline = '20s'",  # longer than a test waits, so that it can't be what ends a request
    "POST /hang": "deadline = '20s'",
    "GET /stream": "",
    "POST /stream": "body = '1MiB'",
    "GET /large": "",
    "PUT /upload": "body = '64MiB'\ndeadline = '20s'",
    "POST /die": "",
    "GET /fails": "failures = []",
    "GET /says/{status}": "failures = []",
    "GET /hang/a/moment": "deadline = '100ms'",
    "GET /echo/limited": "limit = '2/1h'",
    "GET /echo/hot": "auth = 'bearer'\nlimit = '800/1h by address'",
    "GET /echo/busy": "auth = 'bearer'\nlimit = '100000/1h by address'",
    "POST /echo/keyed": "idempotency = 'honoured'",
    "GET /echo/mine": "auth = 'bearer'",
    "PUT /echo/owned": "auth = 'bearer'\nrole = 'admin'",
    "GET /.well-known/jwks.json": "",
    "GET /pages": "cors = ['https://shop.example']",
    "PUT /pages": "cors = ['https://shop.example']\nauth = 'bearer'",
}


class Served:
    """One instance of a function, or of the gateway; it is ready when this has been made."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runtime.serving.serve", str(folder)],
            cwd=ROOT,
            env={**os.environ, "PORT": str(self.port), "LOG_FORMAT": "json", "DRAIN_NOTICE": "0", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self._said = self._process.stdout
        self._reading = Thread(target=self.log.extend, args=(self._said,))  # a full pipe would hold the process
        self._until("ready")
        self._reading.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """Ends it as a crash would: nothing is said, nothing finished. Harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        if self._reading.ident is not None:
            self._reading.join()
        self._said.close()

    def stop(self) -> None:
        """Tells it to finish what it has begun and end."""
        self._process.terminate()

    def ended(self) -> int:
        """Waits until it has ended by itself; its exit code."""
        return self._process.wait(30)

    def _until(self, event: str) -> None:
        for line in self._said:
            self.log.append(line)
            if line.startswith("{") and msgspec.json.decode(line)["event"] == event:
                return
        self.kill()
        raise RuntimeError("it ended before it was ready:\n" + "".join(self.log))


class Town:
    """Gateways, told `settings`, and `instances` of the function `things`; `key_set` is what that serves as keys."""

    def __init__(
        self, folder: Path, redis_url: str, *, name: str, instances: int = 1, gateways: int = 1, **settings: str
    ) -> None:
        self.key_set = folder / "key-set.json"
        self._members = folder / "members"
        self._function = folder / "functions" / "things"
        self._function.mkdir(parents=True)
        (self._function / "function.toml").write_text(manifest(name))
        self._name = name
        self.told = {  # what a gateway of this town has to know
            "EXPOSE_INSTANCE": "1",
            "FUNCTIONS_DIR": str(folder / "functions"),
            "DISCOVERY": f"directory:{self._members}",
            "MEMBERS_DIR": str(self._members),
            "REDIS_URL": redis_url,
            **settings,
        }
        self.things: list[Served] = []
        self.gateways: list[Served] = []
        try:
            self.things += map(self._thing, range(instances))
            self.gateways += map(self._gateway, range(gateways))
        except RuntimeError:
            self.end()
            raise

    @property
    def gateway(self) -> Served:
        """The first one."""
        return self.gateways[0]

    @property
    def url(self) -> str:
        """The gateway's."""
        return self.gateway.url

    def logs(self) -> str:
        """What all of them have written."""
        return "".join(line for served in (*self.gateways, *self.things) for line in served.log)

    def end(self) -> None:
        for served in (*self.gateways, *self.things):
            served.kill()

    def _gateway(self, number: int) -> Served:
        told = {"INSTANCE": f"gateway-{number}", **self.told}
        return Served(ROOT / "functions" / "gateway", **told)

    def _thing(self, number: int) -> Served:
        return Served(
            self._function,
            INSTANCE=f"thing-{number}",
            MEMBERS_DIR=str(self._members),
            KEY_SET=str(self.key_set),
        )


def manifest(name: str) -> str:
    """The manifest of `things`, under a name of its own, as limits are kept by the function's name."""
    routes = "".join(f'\n[[route]]\nmatch = "{match}"\n{policy}\n' for match, policy in ROUTES.items())
    return MANIFEST.replace("things", name, 1) + routes


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what happens in another process."""
    async with asyncio.timeout(30):
        while not await so():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.01)


Started = Callable[..., Town]
