"""What a new version changes in a stack that runs: which functions come, which are replaced, which go.

Pure. The order in which that happens is rollout.py's.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from deploy.engine import GATEWAY

_INSTANCE = re.compile(r"(.+)-[0-9]+")


@dataclass(frozen=True, slots=True)
class Plan:
    """Functions by name. `changed` may hold the gateway, which is nobody's to add or to remove.

    `manifests`: gateways serve others. `mended`: something else was not as it should be, and is now.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    manifests: bool = False
    mended: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.manifests or self.mended)

    def __str__(self) -> str:
        """For people; "" when there is nothing to say."""
        kinds = (("added", self.added), ("replaced", self.changed), ("removed", self.removed))
        said = [f"{kind} {', '.join(names)}" for kind, names in kinds if names]
        return "; ".join([*said, *(["applied the manifests"] if self.manifests else [])])

    @property
    def replaced(self) -> list[str]:
        """Those that are replaced side by side: all that changed but the gateway, which comes after them."""
        return [name for name in self.changed if name != GATEWAY]

    @property
    def replaces_gateways(self) -> bool:
        """Whether gateways are replaced, too; else those that run take in what is new of the manifests."""
        return GATEWAY in self.changed

    @property
    def tried(self) -> list[str]:
        """Whose new version has to show that it works."""
        return [*self.added, *self.changed]


def plan(wanted: Iterable[str], running: Collection[str], changed: Collection[str], resting: Collection[str]) -> Plan:
    """`wanted` are the functions of the new version, `running` those of which there are instances.

    `changed`: those whose instances differ from what they should be. `resting`: those of which none should run now.
    """
    names = sorted(wanted)
    return Plan(
        added=tuple(name for name in names if name not in {*running, *resting, GATEWAY}),
        changed=tuple(
            sorted(
                (name for name in names if name in changed and name in {*running, *resting, GATEWAY}),
                key=lambda name: name == GATEWAY,
            )
        ),
        removed=tuple(sorted({*running} - {*names})),
    )


def functions(instances: Iterable[str]) -> set[str]:
    """Of whom these are instances: "orders-2" is one of orders, "redis" is none."""
    return {found[1] for name in instances if (found := _INSTANCE.fullmatch(name))}
