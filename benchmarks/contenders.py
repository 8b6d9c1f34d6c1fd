"""Who is measured: ourselves and four peers, each a command that forwards to one upstream.

In: a folder for what they write, and the upstream's port. Out: programs that listen, pinned to the gateway's core.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.load import Request
from benchmarks.processes import Program, free_port, running
from runtime.serving.membership import member

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
LOAD_CORE, GATEWAY_CORE = 0, 1

_LIMIT = "limit = '1000000/1s'\n"  # the most that the gateway allows
_PUBLIC = "auth = 'public'\n"
POLICIES = {
    "plain": f"{_PUBLIC}retries = 0",
    "retry": f"{_PUBLIC}retries = 1",
    "limit": f"{_PUBLIC}retries = 0\n{_LIMIT}",
    "token": "auth = 'bearer'\nretries = 0",
    "cors": f"{_PUBLIC}retries = 0\ncors = ['https://shop.example']",
    "cache": f"{_PUBLIC}retries = 0\ncache = 'shared'",
    "all": f"auth = 'bearer'\nretries = 1\n{_LIMIT}",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A running gateway."""

    name: str
    port: int
    program: Program


class Town:
    """The upstream, Redis, and whoever is measured in front of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._upstream = free_port()
        self._redis = free_port()
        self._key = Ed25519PrivateKey.generate()

    def open(self) -> None:
        """Starts what stands behind every contender, on the load's core."""
        self._folder.chmod(0o755)  # the upstream's worker may be somebody else
        content = self._folder / "content"
        content.mkdir()
        (content / "large").write_bytes(b"x" * 100_000)
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key()))
        (content / "key-set.json").write_text(json.dumps({"keys": [{**public, "kid": "one", "alg": "EdDSA"}]}))
        self._start("upstream", [*_NGINX, self._filled("upstream.conf", "upstream", self._upstream)], self._upstream)
        redis = ["redis-server", "--port", str(self._redis), "--save", "", "--dir", str(self._folder)]
        self._start("redis", redis, self._redis)
        things = self._folder / "functions" / "things"
        things.mkdir(parents=True)
        (things / "function.toml").write_text(_manifest())
        self._stack.enter_context(member(self._folder / "members" / "things", f"127.0.0.1:{self._upstream}"))

    def contenders(self, names: list[str]) -> list[Contender]:
        """Those of `names`, running side by side; only the one that is asked uses its core."""
        return [self._contender(name) for name in names]

    @property
    def keys(self) -> Path:
        """The file with the key set, which the upstream serves, too."""
        return self._folder / "content" / "key-set.json"

    @property
    def keys_url(self) -> str:
        return f"http://127.0.0.1:{self._upstream}/.well-known/jwks.json"

    def token(self, who: str, role: str) -> str:
        """One that lives for the run."""
        token = {"sub": who, "sid": "one", "role": role, "iss": "portico", "aud": "portico"}
        now = int(time.time())
        lives = {"iat": now, "exp": now + 3600, "auth_time": now, "jti": "one"}
        return jwt.encode(token | lives, self._key, "EdDSA", {"kid": "one"})

    def request(self, policy: str) -> Request:
        """A small GET on our route with this policy."""
        said = {
            "bearer": ("Authorization", f"Bearer {self.token('someone', 'member')}"),
            "cors": ("Origin", "https://shop.example"),
        }
        return Request(f"/{policy}", headers=tuple(field for word, field in said.items() if word in POLICIES[policy]))

    def forgetful(self) -> Contender:
        """Our gateway without a memory for answers: a hit is one in Redis, each time."""
        port = free_port()
        told = {"CACHE_BYTES": "1B", "CACHE_URL": f"redis://127.0.0.1:{self._redis}/1"}
        environment = self._environment(port) | told
        return Contender("portico", port, self._start("forgetful", _SERVE, port, GATEWAY_CORE, environment))

    @contextmanager
    def cold(self) -> Iterator[Contender]:
        """Our gateway, just started; it ends with the block."""
        port = free_port()
        with running(_SERVE, port, GATEWAY_CORE, self._folder / "cold.log", self._environment(port)) as program:
            yield Contender("portico", port, program)

    def _contender(self, name: str) -> Contender:
        port = free_port()
        upstream = f"http://127.0.0.1:{self._upstream}"
        environment: dict[str, str] = {}
        match name:
            case "portico":
                command, environment = _SERVE, self._environment(port)
            case "nginx":
                command = [*_NGINX, self._filled("nginx.conf", "nginx", port)]
            case "envoy":
                envoy = str(Path(sys.executable).with_name("envoy"))
                config = self._filled("envoy.yaml", "envoy", port)
                command = [envoy, "--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c", config]
            case "fastify":
                command = ["node", str(PEERS / "fastify.mjs"), str(port), upstream]
                environment = {"PEER_MODULES": str(ROOT / ".portico" / "bench")}
            case _:
                command = [sys.executable, str(PEERS / "fastapi_httpx.py"), str(port), upstream]
        program = self._start(name, command, port, GATEWAY_CORE, environment)
        return Contender(name, port, program)

    def _environment(self, port: int) -> dict[str, str]:
        """Tells our gateway of one function with a route for each policy, whose only instance is the upstream."""
        return {
            "PORT": str(port),
            "DISCOVERY": f"directory:{self._folder / 'members'}",
            "FUNCTIONS_DIR": str(self._folder / "functions"),
            "REDIS_URL": f"redis://127.0.0.1:{self._redis}/0",
            "LOG_FORMAT": "json",
            "DRAIN_NOTICE": "0",
        }

    def _filled(self, file: str, name: str, port: int) -> str:
        told = {
            "folder": str(self._folder),
            "name": name,
            "port": str(port),
            "upstream": f"127.0.0.1:{self._upstream}",
            "upstream_port": str(self._upstream),
        }
        made = self._folder / f"{name}-{file}"
        made.write_text(Template((PEERS / file).read_text()).safe_substitute(told))
        return str(made)

    def _start(
        self,
        name: str,
        command: list[str],
        port: int,
        core: int = LOAD_CORE,
        environment: dict[str, str] | None = None,
    ) -> Program:
        return self._stack.enter_context(running(command, port, core, self._folder / f"{name}.log", environment))


_NGINX = ["nginx", "-e", "stderr", "-c"]
SERVE = [str(ROOT / ".venv/bin/python"), "-m", "runtime.serving.serve"]  # with what it needs, and no more
_SERVE = [*SERVE, "functions/gateway"]


def available() -> list[str]:
    """The contenders that can run here; ourselves, always."""
    found = {
        "portico": True,
        "nginx": shutil.which("nginx"),
        "envoy": Path(sys.executable).with_name("envoy").exists(),
        "fastify": shutil.which("node") and (ROOT / ".portico" / "bench" / "node_modules").exists(),
        "fastapi": find_spec("fastapi"),
    }
    return [name for name, there in found.items() if there]


def _manifest() -> str:
    routes = [f"[[route]]\nmatch = 'GET /{name}'\n{policy}\n" for name, policy in POLICIES.items()]
    others = [f"[[route]]\nmatch = '{match}'\n{POLICIES['plain']}\n" for match in _OTHERS]
    return "\n".join(["name = 'things'\n[app]\nmodule = 'things'\n", *routes, *others])


_OTHERS = ("GET /large", "POST /post", "GET /.well-known/jwks.json")
