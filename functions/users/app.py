"""Users: accounts, logins, and the keys that others check tokens with.

The composition root: settings are read and the database is opened when the application starts, never at import.
Requests meet their handlers in accounts.py, logins.py and apikeys/.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar, Router

from functions.users import accounts, logins, store
from functions.users.apikeys import handlers as apikeys
from functions.users.dependencies import DEPENDENCIES
from functions.users.keys import Keys, looking
from functions.users.passwords import REST, Passwords
from functions.users.settings import Settings
from functions.users.throttle import store as attempts
from functions.users.tokens import Issuer
from runtime.database import Database
from runtime.database.load_metrics import watch
from runtime.database.migrate import opened
from runtime.database.retention import in_batches, purging
from runtime.http.api import api
from runtime.http.openapi import publish
from runtime.identity.verifier import Verifier
from runtime.instant import DAY, SECOND, now_ms
from runtime.serving.application import application as outermost
from runtime.serving.background import beside
from runtime.serving.health import Health
from runtime.settings import load
from runtime.telemetry.metrics import Metrics


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Opens what handlers need, and closes it. Raises SettingsError, Unmigrated and DatabaseUnavailable."""
    options = load(Settings, os.environ)
    keys = Keys(Path(options.signing_keys_dir), options.access_lifetime)
    database = await opened(str(options.database_url), Path(__file__).parent)
    health.checks["database"] = database.ping
    watch(database, metrics)
    passwords = Passwords.open(options)
    await _expect(passwords, database)
    metrics.ask("gauge", "portico_password_jobs", "Passwords in work or waiting.", lambda: {(): passwords.jobs})
    verifier = _own_verifier(keys, options)
    app.state.update(
        options=options,
        keys=keys,
        database=database,
        passwords=passwords,
        issuer=Issuer(keys, options),
        verifier=verifier,
    )
    try:
        async with purging(lambda: _purge(database, options)), beside(looking(keys)), beside(verifier.renewing()):
            yield
    finally:
        passwords.close()
        await database.close()


async def _expect(passwords: Passwords, database: Database) -> None:
    async with database.single() as connection:
        for each in await store.hash_parameters(connection, REST):
            passwords.expect(each)


def _own_verifier(keys: Keys, options: Settings) -> Verifier:
    async def fetch() -> bytes:
        return keys.jwks

    return Verifier(fetch, issuer=options.token_issuer, audience=options.token_audience)


async def _purge(database: Database, options: Settings) -> int:
    """Sessions for a day after their end, tokens for as long as an unused one is good, attempts while they count."""
    ended, unused = now_ms() - DAY, now_ms() - int(options.refresh_lifetime * SECOND)

    async def batch(limit: int) -> int:
        async with database.write() as connection:
            removed = await store.purge(connection, ended_before=ended, unused_since=unused, limit=limit)
            return removed + await attempts.purge(connection, now_ms(), limit)

    return await in_batches(batch)


health = Health()
metrics = Metrics()
handlers = Router(
    "/",
    route_handlers=[*accounts.HANDLERS, *logins.HANDLERS, *apikeys.HANDLERS],
    dependencies=DEPENDENCIES,
)
application = outermost(api([handlers, publish], lifespan=lifespan, failures={}), health, metrics)
