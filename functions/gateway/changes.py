"""What becomes of a change of manifests: what a running gateway can't take in, and what it keeps.

In: the manifests of before and of now. Out: sentences for people, and whether two are the same to the part in question.
"""

from collections.abc import Iterable, Iterator, Mapping

from runtime.manifest import Manifest

Manifests = Mapping[str, Manifest]  # by name

_KEPT = {  # what a gateway asks of a function for itself, from its start to its end
    "api_keys": "gateways ask for tokens there",
    "ended_sessions": "gateways follow what it tells from their start on",
}


def by_name(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """The same; a name that two have was refused before."""
    return {manifest.name: manifest for manifest in manifests}


def beyond(before: Manifests, now: Manifests, gateway: str) -> list[str]:
    """What only a gateway that starts can take in: a line each, with the function and the key."""
    return [*_kept(before, now), *_own(before.get(gateway), now.get(gateway), gateway)]


def instances(before: Manifests, now: Manifests) -> list[str]:
    """What has instances start, stop or be others, beside gateways: a line each, with the function and the key."""
    return [f"{name}: app: {how}" for name in sorted(before.keys() | now.keys()) if (how := _run(name, before, now))]


def _kept(before: Manifests, now: Manifests) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        for key, why in _KEPT.items():
            if getattr(before.get(name), key, None) != getattr(now.get(name), key, None):
                yield f"{name}: {key}: is another, and {why}"


def _own(before: Manifest | None, now: Manifest | None, gateway: str) -> Iterator[str]:
    if before is not None and (now is None or now.app != before.app):
        yield f"{gateway}: app: is another"


def _run(name: str, before: Manifests, now: Manifests) -> str:
    then, after = (getattr(each.get(name), "app", None) for each in (before, now))
    if then == after:
        return ""
    return "is new" if then is None else "is gone" if after is None else "is another"
