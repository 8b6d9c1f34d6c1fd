"""nginx/ -> a prefix that nginx can run in: the same files as in a container, with the slots of this stack put in.

Out: a folder with nginx.conf, snippets/ and conf.d/. It starts nothing; `check` has nginx read what was written,
and `reload` has the one that runs take it up.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from deploy import front
from deploy.engine import GATEWAY, Refusal
from deploy.local import packages
from deploy.local.layout import Layout
from deploy.local.programs import NGINX_OPTIONS, nginx_globals
from deploy.local.supervisor.client import Process
from functions.gateway.revisions import CURRENT

_LINGER, _LINGERING = "2s", (1, 27, 4)  # as in nginx/upstreams/docker.template; the first nginx that can
_PAUSE = 0.01  # seconds between two looks at who has ended
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")  # nginx's own variables are lower case


def render(layout: Layout) -> bool:
    """Writes what differs; whether anything did."""
    variables = values(layout)
    sources = {
        "nginx.conf": layout.root / "nginx/nginx.conf",
        "conf.d/default.conf": layout.root / "nginx/templates/default.conf.template",
        "conf.d/upstream.conf": layout.root / "nginx/upstreams/local.template",
        **{f"snippets/{file.name}": file for file in sorted((layout.root / "nginx/snippets").glob("*.conf"))},
    }
    if layout.front.tls:
        sources["conf.d/tls.inc"] = layout.root / "nginx/templates/tls.inc.template"
    written = [_write(layout.nginx / name, fill(source.read_text(), variables)) for name, source in sources.items()]
    written.append(_write(layout.nginx / "conf.d/idle.conf", idle(_version())))
    before = front.identity(layout.tls)
    certified = front.keep(layout.front, layout.tls, mode=0o600) not in ("", before)
    return any([*written, certified, not layout.front.tls and _remove(layout.nginx / "conf.d/tls.inc")])


def idle(version: tuple[int, ...]) -> str:
    """What has idle connections stay for a while at a reload, so that no POST meets a closed one; older ones can't."""
    return f"keepalive_min_timeout {_LINGER};\n" if version >= _LINGERING else ""


def _version() -> tuple[int, ...]:
    said = subprocess.run([packages.require("nginx"), "-v"], check=False, capture_output=True, text=True).stderr
    found = re.search(r"nginx/(\d+(?:\.\d+)*)", said)
    return tuple(map(int, found[1].split("."))) if found else ()


def kept(layout: Layout) -> Mapping[Path, bytes]:
    """What was rendered before, to be put back."""
    return {file: file.read_bytes() for file in layout.nginx.rglob("*") if file.suffix in (".conf", ".inc")}


def tried(layout: Layout, binary: str) -> bool:
    """Has nginx read what it would go by, and puts back what was there before; whether there is another certificate.

    Raises Refusal when it can't run with that.
    """
    before, certificate = kept(layout), front.identity(layout.tls)
    render(layout)
    try:
        check(layout, binary)
    finally:
        _put(layout, before)
    return front.identity(layout.tls) != certificate


def led(layout: Layout, processes: Mapping[str, Process], *, certified: bool) -> bool:
    """Has the one that runs go by what the checkout says now; whether that is anything new, as a certificate is."""
    rendered = render(layout) or certified
    if rendered and (running := processes["nginx"].pid):
        reload(running)
    return rendered


def _put(layout: Layout, before: Mapping[Path, bytes]) -> None:
    for file in kept(layout).keys() - before.keys():
        file.unlink()
    for file, content in before.items():
        file.write_bytes(content)


def values(layout: Layout) -> dict[str, str]:
    """What the templates ask for: where to listen, and the port of each gateway slot.

    Where there is TLS, only that is for everybody; what has none is for this machine.
    """
    slots = enumerate(layout.slots(GATEWAY).values(), start=1)
    return {
        "BIND": front.bracketed(layout.bind),
        "BOTH": "",
        "PORT": str(layout.port),
        "TLS_BIND": front.bracketed(layout.front.bind),
        "TLS_PORT": str(layout.front.port),
        "TLS_FOLDER": os.path.relpath(layout.tls, layout.nginx),  # what a name may hold, nginx's files may not
        "MANIFESTS": os.path.relpath(layout.revisions / CURRENT, layout.nginx),
        **layout.front.variables,
        **{f"GATEWAY_{number}": str(port) for number, port in slots},
    }


def fill(template: str, variables: Mapping[str, str]) -> str:
    """Replaces each ${NAME}, as the official image's envsubst does. Raises KeyError for a name that is not there."""
    return _VARIABLE.sub(lambda match: variables[match[1]], template)


def check(layout: Layout, binary: str) -> None:
    """Raises Refusal with nginx's own words when it can't run with what was rendered."""
    command = [binary, "-t", "-q", *NGINX_OPTIONS, "-g", nginx_globals()]
    result = subprocess.run(command, cwd=layout.nginx, capture_output=True, text=True, check=False)
    if result.returncode:
        said = result.stderr.strip().splitlines()[0]
        raise Refusal(f"nginx refuses its configuration: {said}: correct the file that it names, in nginx/.")


def read_again(layout: Layout, binary: str, master: int) -> None:
    """Has it take up what lies there, if it runs: `master` is its process, or 0. Raises Refusal, as it goes on then."""
    check(layout, binary)
    if master:
        reload(master)


def reload(master: int, patience: float = 10.0) -> None:
    """Has the running one take up what was rendered, without losing anybody whom it serves.

    Returns when no worker of before takes anybody in any more. Raises Refusal when it doesn't come to that.
    """
    before = _workers(master)
    os.kill(master, signal.SIGHUP)
    until = time.monotonic() + patience
    while any(map(_takes_in, before)):
        if time.monotonic() > until:
            raise Refusal("nginx goes on with the configuration of before: `just logs nginx` says why.")
        time.sleep(_PAUSE)


def _workers(master: int) -> list[str]:
    """Their process ids; none where the system doesn't tell."""
    told = Path(f"/proc/{master}/task/{master}/children")
    return told.read_text().split() if told.exists() else []


def _takes_in(worker: str) -> bool:
    """Whether it is there and has not been told to end; it says so in the title of its process."""
    try:
        return "shutting down" not in Path(f"/proc/{worker}/cmdline").read_text().rstrip("\0")
    except OSError:
        return False


def _remove(file: Path) -> bool:
    there = file.exists()
    file.unlink(missing_ok=True)
    return there


def _write(file: Path, text: str) -> bool:
    if file.exists() and file.read_text() == text:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return True
