"""The stack: its front door and instances, its databases and Redis where it runs, and where it doesn't its ports.

In: an engine. Out: findings. What one of them can't be asked for does not keep the others from being asked.
"""

import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from deploy.doctor.finding import Finding
from deploy.engine import NOTHING, Engine, Instance, Refusal

_AWAY = {
    "portico_gateway_limit_local": ("Redis", "limits are each gateway's own", "redis"),
    "portico_gateway_cache_alone": ("cache", "the shared cache is not used", "redis-cache"),
}
_NUMBER = re.compile(r"(\d+)_.*\.sql")


def stack(engine: Engine, functions: Path) -> Iterator[Finding]:
    """What runs of it; where nothing does, whether it could."""
    try:
        running = engine.ps()
    except Refusal as refusal:
        yield from _free(engine.require_ports, str(refusal))
        return
    yield door(engine.address())
    yield from map(instance, running)
    yield from _databases(engine, functions)
    yield from redis({name: page() for name, page in engine.pages().items()})


def _free(ports: Callable[[], None], why: str) -> Iterator[Finding]:
    down = why == NOTHING
    yield Finding("stack", "ok" if down else "wrong", why)
    try:
        ports()
    except Refusal as refusal:
        yield Finding("ports", "wrong", str(refusal))
    else:
        yield Finding("ports", "ok", "those that it needs are free")


def door(address: str) -> Finding:
    """Asked as a client would ask it, past any proxy."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{address}/livez", timeout=5):
            return Finding("front door", "ok", f"answers on {address}")
    except OSError as error:
        way = "`just logs nginx` says why, `just up` mends it."
        return Finding("front door", "wrong", f"{address} does not answer ({error}): {way}")


def instance(this: Instance) -> Finding:
    """A row of `just ps`."""
    if this.state == "ready":
        return Finding(this.name, "ok", "ready")
    way = f"`just logs {this.name} -n 50` says why, `just up` mends what it can."
    return Finding(this.name, "wrong", f"It is {this.state}: {way}")


def _databases(engine: Engine, functions: Path) -> Iterator[Finding]:
    try:
        for name, store in engine.stores().items():
            yield database(name, store.schema, newest(functions / name))
    except Refusal as refusal:
        yield Finding("databases", "wrong", str(refusal))


def database(name: str, schema: Callable[[], int], wanted: int) -> Finding:
    """Asked for its schema, and that beside what the checkout has."""
    what = f"database of {name}"
    try:
        has = schema()
    except Refusal as refusal:
        return Finding(what, "wrong", f"{refusal} `just logs {name} --level warning` tells since when.")
    if has < wanted:
        return Finding(
            what, "warning", f"Its schema is {has}, and the checkout has {wanted}: `just deploy` brings it there."
        )
    return Finding(what, "ok", f"answers; its schema is {has}")


def newest(function: Path) -> int:
    """The number of the last migration that the checkout has."""
    found = (_NUMBER.fullmatch(file.name) for file in function.glob("schema/**/*.sql"))
    return max((int(each[1]) for each in found if each), default=0)


def redis(pages: Mapping[str, str]) -> Iterator[Finding]:
    """Both of them, as gateways find them."""
    for metric, (what, effect, name) in _AWAY.items():
        without = [
            gateway for gateway, page in pages.items() if re.search(rf"^{metric} 1(?:\.0)?$", page, re.MULTILINE)
        ]
        way = f"`just logs {name} -n 50` says why, `just up` starts it."
        if without:
            yield Finding(what, "wrong", f"{', '.join(without)} can't reach it, so {effect}: {way}")
        else:
            yield Finding(what, "ok", f"reached by {len(pages)} of {len(pages)} gateways")
