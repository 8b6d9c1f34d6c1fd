"""THE order of a deploy, of an `up` on a stack that runs, and of a rollback, whichever engine carries it out.

In: a fleet. Out: what changed. Everything new is read, built and tried before anything that works is stopped. What does
not depend on each other goes side by side: functions know nothing of each other's versions, gateways lead to all of
them. So a new function runs before a route leads to it, and one that goes ends after no route does. When a step is
refused, or somebody interrupts, what was replaced already is replaced back before the refusal goes on, whoever
interrupts again: the old version serves, and is the current one.
"""

from dataclasses import replace
from functools import partial
from typing import Protocol

from deploy.engine import GATEWAY
from deploy.plan import Plan
from deploy.together import together
from deploy.undisturbed import undisturbed


class Fleet(Protocol):
    """What an engine can do for a rollout. Each step raises Refusal with the cause; several may be under way."""

    def prepare(self, *, everything: bool) -> Plan:
        """Makes the new version from the checkout, if that can be served: what differs from what runs.

        `everything`: all of it, also where nothing differs. Raises Refusal with whatever is wrong in the checkout.
        """

    def prepare_previous(self) -> Plan:
        """Takes the version that the last deploy replaced for the new one: the functions that it replaced."""

    def migrate(self, function: str) -> None:
        """Brings its schema up to date, which the old version can live with (docs/data.md)."""

    def rehearse(self, function: str) -> None:
        """Starts an instance of the new version where no request goes, has it show that it works, and ends it."""

    def start(self, function: str) -> None:
        """Has as many of a function that is new run as should, all of them ready."""

    def replace(self, function: str) -> None:
        """One instance at a time: starts a new one, waits until it is ready, drains an old one."""

    def apply(self, *, replacing: bool) -> bool:
        """Has gateways that run, and nginx, take in the version's manifests; whether they are others than before.

        `replacing`: gateways are replaced next, and begin with them in any case.
        """

    def keep(self) -> None:
        """What was replaced is the previous version from now on."""

    def end(self, function: str) -> None:
        """Drains every instance of a function that is none any more."""

    def settle(self) -> bool:
        """Brings in line whatever else is not as it should be, and returns when everything is ready and known.

        Whether there was anything.
        """

    def turn_back(self) -> None:
        """Makes the old version the current one again, and brings back each instance that was replaced."""


def deploy(fleet: Fleet, *, everything: bool = False) -> Plan:
    """Brings the checkout's version into service; what that changed."""
    try:
        plan = fleet.prepare(everything=everything)
        _try(fleet, plan, migrating=True)
        plan = _bring(fleet, plan)
    except BaseException:
        with undisturbed():
            fleet.turn_back()
        raise
    together([partial(fleet.end, name) for name in plan.removed])
    return replace(plan, mended=fleet.settle())


def rollback(fleet: Fleet) -> Plan:
    """Brings back what the last deploy replaced, on the schema of now; what that changed."""
    try:
        plan = fleet.prepare_previous()
        _try(fleet, plan, migrating=False)
        plan = _bring(fleet, plan)
    except BaseException:
        with undisturbed():
            fleet.turn_back()
        raise
    return plan


def _try(fleet: Fleet, plan: Plan, *, migrating: bool) -> None:
    """Of each function first its schema, then an instance; nothing is replaced before all have passed."""

    def shown(name: str) -> None:
        if migrating and name != GATEWAY:
            fleet.migrate(name)
        fleet.rehearse(name)

    together([partial(shown, name) for name in plan.tried])


def _bring(fleet: Fleet, plan: Plan) -> Plan:
    """Functions side by side, then the routes that lead to them, then gateways, which begin with those."""
    starting = [partial(fleet.start, name) for name in plan.added]
    together([*starting, *(partial(fleet.replace, name) for name in plan.replaced)])
    done = replace(plan, manifests=fleet.apply(replacing=plan.replaces_gateways))
    if plan.replaces_gateways:
        together([partial(fleet.replace, GATEWAY)])
    if done:
        fleet.keep()
    return done
