"""THE order of a deploy and of a rollback, whichever engine carries it out.

In: a fleet. Out: the functions that run another version now. When a step is refused, or somebody interrupts, what was
replaced already is replaced back before the refusal goes on, whoever interrupts again: the old version serves, and is
the current one.
"""

from typing import Protocol

from deploy.engine import GATEWAY
from deploy.undisturbed import undisturbed

MANIFESTS = "the manifests"


class Fleet(Protocol):
    """What an engine can do for a rollout. Every step raises Refusal with the cause."""

    def prepare(self, *, everything: bool) -> list[str]:
        """Makes the new version from the checkout: the functions that differ from what runs, the gateway last.

        `everything`: all of them, also where nothing differs. Raises ManifestError with whatever is wrong in manifests.
        """

    def prepare_previous(self) -> list[str]:
        """Takes the version that the last deploy replaced for the new one: the functions that it replaced."""

    def apply(self) -> bool:
        """Has gateways that run take in the version's manifests; whether they are others than those of before."""

    def migrate(self) -> None:
        """Brings schemas up to date, which the old version can live with (docs/data.md)."""

    def rehearse(self, function: str) -> None:
        """Starts an instance of the new version where no request goes, has it show that it works, and ends it."""

    def replace(self, function: str) -> None:
        """One instance at a time: starts a new one, waits until it is ready, drains an old one."""

    def keep(self) -> None:
        """What was replaced is the previous version from now on."""

    def turn_back(self) -> None:
        """Makes the old version the current one again, and brings back each instance that was replaced."""


def deploy(fleet: Fleet, *, everything: bool = False) -> list[str]:
    """Brings the checkout's version into service; the functions that changed."""
    try:
        changed = fleet.prepare(everything=everything)
        if changed:
            fleet.migrate()
        applied = _roll(fleet, changed)
    except BaseException:
        with undisturbed():
            fleet.turn_back()
        raise
    return [*changed, *([MANIFESTS] if applied else [])]


def rollback(fleet: Fleet) -> list[str]:
    """Brings back what the last deploy replaced, on the schema of now; the functions that changed."""
    try:
        changed = fleet.prepare_previous()
        applied = _roll(fleet, changed)
    except BaseException:
        with undisturbed():
            fleet.turn_back()
        raise
    return [*changed, *([MANIFESTS] if applied else [])]


def _roll(fleet: Fleet, functions: list[str]) -> bool:
    """Nothing is replaced before all of it was rehearsed. Routes come after who serves them, and before new gateways,
    which begin with them; whether they are others.
    """
    for function in functions:
        fleet.rehearse(function)
    for function in functions:
        if function != GATEWAY:
            fleet.replace(function)
    applied = fleet.apply()
    if GATEWAY in functions:
        fleet.replace(GATEWAY)
    fleet.keep()
    return applied
