"""What a state machine holds for true, by name: so that a planted bug can be asked which of them it broke.

Long runs: PORTICO_EXAMPLES is how many examples a machine plays, each of up to 40 steps.
"""

import os

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("PORTICO_EXAMPLES", "5"))
BOUNDS = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
# For planted bugs: the first failure is enough, nobody has to read a small one, and it is the same each time.
UNTIL_FOUND = settings(BOUNDS, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False, derandomize=True)


class Broken(AssertionError):
    """An invariant that did not hold; its name comes first."""


def holds(invariant: str, truth: bool, seen: object = "") -> None:  # noqa: FBT001  what is held for true
    """Raises Broken, with what was seen instead, unless it is the truth."""
    if not truth:
        raise Broken(f"{invariant}: {seen}")
