"""Ports: can this address be listened on, and if not, who holds it?

It binds and lets go again; it never listens. Naming the holder reads /proc, and is left out where there is none.
"""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from deploy.engine import Refusal
from deploy.front import LOOPBACK, bracketed


def require(host: str, port: int, way_out: str) -> None:
    """Raises Refusal when `host`:`port` can't be listened on; `way_out` is the next step for one that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what a closed connection left is no listener
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as nginx listens
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refusal(_sentence(host, port, error, way_out)) from error


def free() -> int:
    """One on the loopback that nobody has now."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _sentence(host: str, port: int, error: OSError, way_out: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken{holder(port)}: {way_out}."
    if error.errno == errno.EACCES:
        return f"Port {port} needs root's rights: set PORT to one above 1023."
    return f"Nothing can listen on {bracketed(host)}:{port} ({error.strerror}): set BIND to an address of this machine."


def holder(port: int) -> str:
    """Who listens on `port`, as " by NAME (pid N)"; "" when that can't be told."""
    inodes = set(_listening(port))
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            if str(descriptor.readlink()) in inodes:
                process = descriptor.parents[1]
                return f" by {(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return ""


def _listening(port: int) -> Iterator[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        rows = table.read_text().splitlines()[1:] if table.exists() else []
        for row in rows:
            columns = row.split()
            if int(columns[1].rpartition(":")[2], 16) == port and columns[3] == "0A":  # 0A is LISTEN
                yield f"socket:[{columns[9]}]"
