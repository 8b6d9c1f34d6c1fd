"""Waits until gateways know whom they forward to: an instance that is ready is of no use before.

In: of each gateway a way to read its metrics, and how many instances there are of each function. It opens no socket.
"""

import re
import time
from collections.abc import Callable, Mapping

from deploy.engine import Refusal
from deploy.undisturbed import go_on

Metrics = Callable[[], str]  # the page as Prometheus reads it; "" when nobody answers

_PATIENCE = 60.0  # seconds until all of them must know
_PAUSE = 0.05  # seconds between two looks
_KNOWN = re.compile(r'^portico_gateway_upstream_instances\{function="([^"]+)"\} (\d+)', re.MULTILINE)


def until_known(gateways: Mapping[str, Metrics], instances: Mapping[str, int]) -> None:
    """Returns when each gateway knows so many of each function: it looks for them a few times a second."""
    give_up = time.monotonic() + _PATIENCE
    for name, metrics in gateways.items():
        while unknown := _unknown(metrics(), instances):
            if time.monotonic() > give_up:
                raise Refusal(f"{name} does not know every {unknown}: look at the state of it with `just ps`.")
            go_on()
            time.sleep(_PAUSE)


def _unknown(metrics: str, instances: Mapping[str, int]) -> str:
    """A function of its routes of which it knows fewer than there are; "" when there is none."""
    known = _KNOWN.findall(metrics)
    return next((name for name, number in known if int(number) < instances.get(name, 0)), "")
