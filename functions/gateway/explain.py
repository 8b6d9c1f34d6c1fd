"""What becomes of one request: which route it has, and which stages with which settings it passes.

In: manifests, a method and a target. Out: lines for a person (`just explain`). The order of the stages is what the
pipeline makes of the route; nothing is sent, and nothing is opened.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import msgspec

from functions.gateway.instances.watch import Membership
from functions.gateway.listing import Listed, Value
from functions.gateway.pipeline import Parts, name, stages
from functions.gateway.routes import GATEWAY, SHARED_CEILINGS
from functions.gateway.stages.breaker.circuit import Rules
from functions.gateway.stages.cache.fills import Fills
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.identify import trusting
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.shed.bound import Range
from functions.gateway.stages.swap.tokens import Tokens
from functions.gateway.telemetry import Telemetry
from functions.gateway.upstreams import QUEUE, upstream
from runtime.identity.verifier import Verifier
from runtime.manifest import Manifest
from runtime.telemetry.metrics import Metrics
from runtime.units import Duration

Settings = Mapping[str, Value]

# Which policies a stage acts on; what is not named here says everything by being there.
_ACTS_ON = {
    "cors": ("cors", "cors_headers", "cors_expose", "cors_cookies", "cors_longest"),
    "accept": ("body", "idempotency"),
    "guard": ("limits",),
    "authenticate": ("auth", "role"),
    "limit": ("limit", "limits", "on_store_failure"),
    "deadline": ("deadline",),
    "cache": ("cache", "cache_longest", "cache_largest", "cache_keep", "cache_drop", "cache_cookies"),
    "retry": ("retries", "failures"),
    "breaker": ("failures",),
}
_SHARED = {"shed": "concurrency", "breaker": "circuit"}  # stage -> the manifest's table that it acts on
_SECONDS = {"open", "longest"}


def explained(found: Listed, manifests: Sequence[Manifest]) -> str:
    """The route and its stages, outermost first, with a line for each setting."""
    manifest = next(each for each in manifests if each.name == found.route.function)
    head = f"{found.route.template} of {found.route.function} ({found.file}, {found.key})"
    parts = replace(idle(manifest), api_keys=_api_keys(manifests))
    return "\n".join([head, "", *(line.rstrip() for line in _lines(_passed(found, manifest, parts)))])


def _api_keys(manifests: Iterable[Manifest]) -> tuple[str, Tokens] | None:
    """That there are some, whichever function has them."""
    return next(((each.api_keys.prefix, Tokens(_no_key)) for each in manifests if each.api_keys), None)


def _lines(passed: Iterable[tuple[str, Settings]]) -> Iterator[str]:
    for stage, settings in passed:
        first, *others = [f"{key:<13} {value.told}" for key, value in settings.items()] or [""]
        yield f"  {stage:<13} {first}"
        yield from (f"  {'':<13} {other}" for other in others)


def _passed(found: Listed, manifest: Manifest, parts: Parts) -> Iterator[tuple[str, Settings]]:
    for stage in [*(name(stage) for stage in stages(found.route, parts)), "forward"]:
        policies = {each: found.policies[each] for each in _ACTS_ON.get(stage, ()) if each in found.policies}
        yield stage, {**policies, **(_shared(manifest, _SHARED[stage]) if stage in _SHARED else {})}


def _shared(manifest: Manifest, table: str) -> Settings:
    """What all routes of the function share: as the manifest says, or the gateway."""
    usual = asdict(Rules()) | asdict(Range()) | {"queue": QUEUE}
    said = msgspec.structs.asdict(getattr(manifest, table))
    return {
        key: _value(key, usual[key] if value is None else value, "gateway" if value is None else "function", ceiling)
        for (key, value), ceiling in zip(said.items(), map(SHARED_CEILINGS[table].get, said), strict=True)
    }


def _value(key: str, value: float, source: str, ceiling: float | None) -> Value:
    return Value(Duration(value) if key in _SECONDS else value, source, ceiling)


def idle(manifest: Manifest) -> Parts:
    """Parts that no request will reach: enough to have the pipeline say its stages."""
    client = Client()
    nobody = upstream(manifest, Membership(manifest.name), client, lambda: 0.0, lambda: None)
    return Parts(
        trusted=trusting(""),
        permits=MemoryPermits(lambda: 0),
        verifier=Verifier(_no_keys, issuer=GATEWAY, audience=GATEWAY),
        upstreams=defaultdict(lambda: nobody),
        client=client,
        telemetry=Telemetry(Metrics()),
        levels=Levels(0),
        fills=Fills(lambda: 0.0),
        cached={manifest.name: ()} if any(route.cache for route in manifest.route) else {},
    )


async def _no_key(_key: str) -> None:
    return None


async def _no_keys() -> bytes:
    return b'{"keys": []}'
