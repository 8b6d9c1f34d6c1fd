"""Place: what a stack is called on its Docker, and the range of its front network; chosen once, and remembered.

In: the stack's folder, what was asked for, and whom Docker knows already. Out: a name that no other checkout has, and a
range that nobody else uses. What was asked for wins, then what is remembered.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import chain
from pathlib import Path
from typing import Protocol

from deploy.engine import Refusal

DEFAULT_PROJECT = "portico"
DEFAULT_SUBNET = "10.250.250.0/24"  # as deploy/docker/stack.yml has it
# First outside what Docker gives its networks unless it is told to, as another stack that starts in the same moment may
# be given what was free a moment ago; a machine may have a route to all of 10.0.0.0/8.
_OTHERS = ("10.250.0.0/16", "172.30.0.0/16", "192.168.0.0/16")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a project's name: the folders that its containers were made from, and whether anything has it at all."""

    folders: frozenset[str] = frozenset()
    there: bool = False


class Docker(Protocol):
    """What is asked of the daemon, and of the machine's routes."""

    def holder(self, project: str) -> Holder: ...

    def networks(self) -> Mapping[str, list[IPv4Network]]: ...

    def routes(self) -> Iterable[IPv4Network]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """`project` is the stack's name, `subnet` the range of its front network; `why` is for a person, or ""."""

    project: str
    subnet: str
    why: str = ""


def find(root: Path, state: Path, asked: Mapping[str, str], docker: Docker) -> Place:
    """Where the stack of the folder `state` is. It asks Docker for what is neither asked for nor remembered."""
    had = _remembered(state)
    project, why = asked.get("PORTICO_PROJECT") or had.get("project", ""), ""
    if not project:
        project, why = _chosen(root, state, docker)
    before = had.get("subnet", "") if project == had.get("project") else ""
    return Place(project, _asked(asked) or _had(project, docker) or before or str(_usual(project)[0]), why)


def settle(state: Path, place: Place, asked: Mapping[str, str], docker: Docker) -> Place:
    """`place`, with a range that can be had, from now on remembered. Raises Refusal where there is none."""
    subnet = _asked(asked) or _had(place.project, docker) or _free(place, docker)
    _keep(state, {"project": place.project, "subnet": subnet, "state": str(state)})
    return Place(place.project, subnet)


def _chosen(root: Path, state: Path, docker: Docker) -> tuple[str, str]:
    """The first name that nobody else has, and why it is not the usual one."""
    mine = (state / "secrets").is_dir() and not _is_copy(_read(state), state)  # something was started from here before
    why = ""
    for name in _names(root, state):
        holder = docker.holder(name)
        others = sorted(folder for folder in holder.folders if _is_other(folder, root, gone=mine))
        if not others and (mine or not holder.there):
            break
        who = f"the checkout in {others[0]}" if others else "another stack"
        why = why or f"On this Docker {name} is {who}"
    return name, f"{why}: this stack is called {name} (PORTICO_PROJECT chooses another name)" if why else ""


def _names(root: Path, state: Path) -> Iterator[str]:
    """What a stack may be called; the last can be nobody else's."""
    yield DEFAULT_PROJECT
    folder = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:32].rstrip("-")
    named = folder if folder.startswith(f"{DEFAULT_PROJECT}-") else f"{DEFAULT_PROJECT}-{folder}"
    if folder:
        yield named
    yield f"{named if folder else DEFAULT_PROJECT}-{_digest(str(state))}"


def _is_other(folder: str, root: Path, *, gone: bool) -> bool:
    """Whether it is another checkout; one that is gone was this one, before it was moved, if there was one here."""
    there = Path(folder)
    return there.resolve() != root.resolve() and not (gone and not there.exists())


def _asked(asked: Mapping[str, str]) -> str:
    """The range that is asked for, "" where none is."""
    told = asked.get("FRONT_SUBNET", "")
    try:
        return str(IPv4Network(told)) if told else ""
    except ValueError as error:
        raise Refusal(f"FRONT_SUBNET: {error}: write a range of IPv4 addresses, as in 10.9.8.0/24.") from None


def _had(project: str, docker: Docker) -> str:
    """The range of the stack's front network, if that is there."""
    return next((str(network) for network in docker.networks().get(f"{project}_front", [])), "")


def _free(place: Place, docker: Docker) -> str:
    """The range of before if nobody uses it, else another that nobody does."""
    used = [*chain.from_iterable(docker.networks().values()), *docker.routes()]
    candidates = [IPv4Network(place.subnet), *_usual(place.project)]
    found = next((each for each in candidates if not any(map(each.overlaps, used))), None)
    if found is None:
        ranges = ", ".join(_OTHERS)
        raise Refusal(f"No network in {ranges} is free for the front door: name one with FRONT_SUBNET=100.64.9.0/24.")
    return str(found)


def _usual(project: str) -> list[IPv4Network]:
    """Where a stack's range is looked for, in this order: two stacks that start at once begin elsewhere."""
    found = [IPv4Network(DEFAULT_SUBNET)] if project == DEFAULT_PROJECT else []
    for pool in _OTHERS:
        others = [*IPv4Network(pool).subnets(new_prefix=24)]
        first = int(_digest(project), 16) % len(others)
        found += [*others[first:], *others[:first]]
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _remembered(state: Path) -> dict[str, str]:
    """What this very folder was told before; a copy of one that is still there has to choose for itself."""
    had = _read(state)
    return {} if _is_copy(had, state) else had


def _is_copy(had: Mapping[str, str], state: Path) -> bool:
    made = Path(had.get("state", str(state)))
    return made != state and made.joinpath("place.json").exists()


def _read(state: Path) -> dict[str, str]:
    file = state / "place.json"
    try:
        found = {str(name): str(value) for name, value in json.loads(file.read_text(encoding="utf-8")).items()}
        IPv4Network(found["subnet"])
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, AttributeError):
        raise Refusal(
            f"{file} does not say what this stack is called: delete it, and name it with PORTICO_PROJECT=NAME just up."
        ) from None
    return found


def _keep(state: Path, told: Mapping[str, str]) -> None:
    state.mkdir(parents=True, exist_ok=True)
    fresh = state / "place.new"
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(told), encoding="utf-8")
    fresh.replace(state / "place.json")
