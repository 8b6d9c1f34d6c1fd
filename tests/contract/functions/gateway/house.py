"""The real users behind real gateways: processes on one machine that find each other, with hashes that cost nothing."""

from pathlib import Path

import httpx

from runtime.database.migrate import migrate
from runtime.identity import signing_keys
from tests.contract.functions.gateway.town import ROOT, Served

PASSWORD = "correct horse battery"
ANN = {"email": "ann@example.org", "name": "Ann", "password": PASSWORD}


class House:
    """Starts instances of `users` and of the `gateway`; `keys` is the folder of their signing keys."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.keys = folder / "keys"
        self._running: list[Served] = []
        self._environments = {
            "users": {
                "DATABASE_URL": f"sqlite:///{folder}/users.db",
                "SIGNING_KEYS_DIR": str(self.keys),
                "MEMBERS_DIR": str(folder / "members"),
                "ARGON2_MEMORY": "8KiB",
                "ARGON2_PASSES": "1",
            },
            "gateway": {"DISCOVERY": f"directory:{folder / 'members'}", "REDIS_URL": redis_url},
        }

    @classmethod
    async def made(cls, folder: Path, redis_url: str) -> "House":
        """With a schema and a key."""
        made = cls(folder, redis_url)
        await migrate(made._environments["users"]["DATABASE_URL"], ROOT / "functions/users")
        signing_keys.create(made.keys, "one")
        return made

    def start(self, name: str, **environment: str) -> Served:
        """One more instance, ready."""
        served = Served(ROOT / "functions" / name, **self._environments[name] | environment)
        self._running.append(served)
        return served

    def logs(self) -> str:
        """What all of them have written."""
        return "".join(line for served in self._running for line in served.log)

    def end(self) -> None:
        for served in self._running:
            served.kill()


async def logged_in(client: httpx.AsyncClient, at: Served) -> tuple[dict[str, str], str]:
    """The Authorization header of a new session of Ann's, who has an account, and its refresh token."""
    answer = await client.post(f"{at.url}/sessions", json={"email": ANN["email"], "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}, answer.json()["refresh_token"]
