"""nginx in its container, which reads again what lies in the folders that are mounted there."""

from collections.abc import Iterable

from deploy.engine import Refusal
from deploy.undisturbed import apart

_NGINX = ("nginx", "-p", "/run/portico", "-c", "/run/portico/nginx.conf", "-g", "daemon off;")  # as stack.yml has it


def read_again(containers: Iterable[str]) -> None:
    """Loses nobody whom it serves. Raises Refusal with its own words, and it goes on as it is then."""
    for container in containers:
        for does in (("-t", "-q"), ("-s", "reload")):
            done = apart(["docker", "exec", container, *_NGINX, *does])
            if done.returncode:
                raise Refusal(f"nginx can't take up what was applied: {done.stderr.strip()}")
