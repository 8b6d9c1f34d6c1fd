"""What is no function, brought in line with the compose files: started if it does not run, made anew if it differs.

In: a project, and the options that say how many of each function run. PostgreSQL is never made anew: who wants it with
other settings takes the stack down first. Where a checkout lies makes no difference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.docker.compose import Compose


def settle(compose: Compose, scales: Sequence[str]) -> None:
    """Returns when everything that should run is healthy."""
    services = {name: told for name, told in compose.services().items() if told.get("restart") != "no"}
    for name in sorted(services.keys() & {"nginx", "redis", "redis-cache"}):
        if any(differs(found, services[name]) for found in compose.containers(name)):
            compose.call("up", "--detach", "--wait", "--no-deps", name)
    compose.call("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--no-build", *scales, *services)


def begin(compose: Compose) -> None:
    """Starts what functions stand on, where an attempt of before has left it out."""
    running = {each["Config"]["Labels"]["com.docker.compose.service"] for each in compose.containers()}
    if missing := sorted({"postgres", "redis", "redis-cache"} - running):
        compose.call("up", "--detach", "--wait", "--no-deps", "--no-recreate", *missing)


def differs(container: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether a container has another image, other settings or other ports than its service is told now."""
    has = dict(each.partition("=")[::2] for each in container["Config"]["Env"])
    wants = {name: value or "" for name, value in (told.get("environment") or {}).items()}
    bound = [each for one in (container["HostConfig"]["PortBindings"] or {}).values() for each in one]
    listens = {(each["HostIp"], each["HostPort"]) for each in bound}
    published = {(each.get("host_ip", ""), str(each["published"])) for each in told.get("ports", ())}
    same = all(has.get(name) == value for name, value in wants.items()) and listens == published
    return not same or container["Config"]["Image"] != told["image"]
