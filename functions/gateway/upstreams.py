"""What all routes of one function share: its endpoints, their circuits, its retry budget, the gate before it.

In: a manifest and who is alive. Out: an Upstream. No two functions share anything, so none takes from another.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from functions.gateway.endpoints.watch import Membership
from functions.gateway.stages.breaker.circuit import Jitter, Rules
from functions.gateway.stages.breaker.circuits import Circuits
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.retry.budget import Budget
from functions.gateway.stages.shed.bound import Bound, Range
from functions.gateway.stages.shed.gate import Gate
from runtime.manifest import Manifest

QUEUE = 2000  # requests that wait for a moment, unless the manifest says fewer; a worker of nginx forwards 2048 at once


@dataclass(frozen=True, slots=True)
class Upstream:
    """One function, as the gateway reaches it; `in_flight` counts requests by address. `host`: see forward."""

    members: Membership
    circuits: Circuits
    gate: Gate
    budget: Budget
    in_flight: Counter[str]
    host: bytes = b""


def upstream(
    manifest: Manifest, members: Membership, client: Client, jitter: Jitter, opened: Callable[[], None]
) -> Upstream:
    """`jitter` gives 0.0 to below 1.0; `opened` is told of each circuit that opens."""
    circuits = Circuits(Rules(**_said(manifest.circuit)), jitter, opened)
    members.on_left(circuits.forget)
    client.on_connected(circuits.reached)
    concurrency = _said(manifest.concurrency)
    queue = concurrency.pop("queue", QUEUE)
    host = manifest.upstream.url.authority.encode() if manifest.upstream else b""
    return Upstream(members, circuits, Gate(Bound(Range(**concurrency)), queue), Budget(), Counter(), host)


def _said(declared: msgspec.Struct) -> dict[str, Any]:
    """What a table of the manifest says; the rest is the gateway's to decide."""
    return {name: value for name, value in msgspec.structs.asdict(declared).items() if value is not None}
