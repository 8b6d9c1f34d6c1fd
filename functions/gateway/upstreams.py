"""What all routes of one function share: its instances, their circuits, its retry budget, the gate before it.

In: a manifest and who is alive. Out: an Upstream. No two functions share anything, so none takes from another. What a
changed manifest says as before stays what it was: circuits keep what they know, a bound what it has learnt.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from functions.gateway.instances.watch import Membership
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
    manifest: Manifest,
    members: Membership,
    client: Client,
    jitter: Jitter,
    opened: Callable[[], None],
    before: "tuple[Manifest, Upstream] | None" = None,
) -> Upstream:
    """`jitter` gives 0.0 to below 1.0; `opened` is told of each circuit that opens. `before`: what may be kept."""
    host = manifest.upstream.url.authority.encode() if manifest.upstream else b""
    if before is None or before[1].members is not members:
        circuits, gate = _circuits(manifest, members, client, jitter, opened), _gate(manifest)
        return Upstream(members, circuits, gate, Budget(), Counter(), host)
    then, had = before
    circuits, gate = had.circuits, had.gate
    if then.circuit != manifest.circuit:
        circuits = _circuits(manifest, members, client, jitter, opened)
    if then.concurrency != manifest.concurrency:
        gate = _gate(manifest)
    same = circuits is had.circuits and gate is had.gate
    return had if same else replace(had, circuits=circuits, gate=gate)


def unhook(circuits: Circuits, members: Membership, client: Client) -> None:
    """Nobody tells these circuits of instances any more."""
    members.off_left(circuits.forget)
    client.off_connected(circuits.reached)


def _circuits(
    manifest: Manifest, members: Membership, client: Client, jitter: Jitter, opened: Callable[[], None]
) -> Circuits:
    circuits = Circuits(Rules(**_said(manifest.circuit)), jitter, opened)
    members.on_left(circuits.forget)
    client.on_connected(circuits.reached)
    return circuits


def _gate(manifest: Manifest) -> Gate:
    concurrency = _said(manifest.concurrency)
    queue = concurrency.pop("queue", QUEUE)
    return Gate(Bound(Range(**concurrency)), queue)


def _said(declared: msgspec.Struct) -> dict[str, Any]:
    """What a table of the manifest says; the rest is the gateway's to decide."""
    return {name: value for name, value in msgspec.structs.asdict(declared).items() if value is not None}
