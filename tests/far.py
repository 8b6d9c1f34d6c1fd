"""Another machine, as the network shows one: a namespace at the far end of a cable that can be pulled.

Then nothing comes back: no reset, no refusal, no acknowledgement. As root, with iproute2. Sockets are made over there
and used here, so what is to be reached there may run anywhere. The machine's own network gets one interface more.
"""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.ports import claim

_DISCARD = 9  # a port where nothing listens
POSSIBLE = os.geteuid() == 0 and shutil.which("ip") is not None

_OPEN = """
import socket, sys
way, verb, host, port = socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:]
made = getattr(socket, verb)((host, int(port)))
socket.send_fds(way, [b"."], [made.fileno()])
"""


class Far:
    """The machine, at the address `there`; from there this one is `here`. Others may have machines of their own."""

    def __init__(self) -> None:
        _tidy()
        self._claimed, network = _network()
        self.here, self.there = f"{network}.1", f"{network}.2"
        self._name = f"far{os.getpid()}"
        self._switch = f"{self._name}-switch"
        for namespace in (self._name, self._switch):
            _ip("netns", "add", namespace)
        _ip("-n", self._switch, "link", "add", "middle", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "middle", "up")
        self._plug(self._name, self.here, port="near")
        self._plug("lan", self.there, port="far", namespace=self._name)
        self._until_reached()

    def listen(self) -> socket.socket:
        """A listener over there."""
        return self._socket("create_server", self.there, 0)

    def dial(self, port: int) -> socket.socket:
        """A connection from over there to what listens here."""
        return self._socket("create_connection", self.here, port)

    def pull(self) -> None:
        _ip("-n", self._switch, "link", "set", "far", "down")

    def plug(self) -> None:
        _ip("-n", self._switch, "link", "set", "far", "up")
        self._until_reached()

    def _until_reached(self) -> None:
        """A cable that was just plugged in takes a moment, and what is sent in it is lost; then it refuses at once."""
        answer = 0
        while answer != errno.ECONNREFUSED:
            with socket.socket() as asking:
                asking.settimeout(0.1)  # seconds
                answer = asking.connect_ex((self.there, _DISCARD))

    def remove(self) -> None:
        _ip("link", "delete", self._name)  # a socket that is still open would keep its namespace, and that the cable
        for namespace in (self._name, self._switch):
            _ip("netns", "delete", namespace)
        self._claimed.close()

    def _plug(self, interface: str, address: str, *, port: str, namespace: str = "") -> None:
        at = ["-n", namespace] if namespace else []
        place = ["netns", namespace] if namespace else []
        _ip("link", "add", interface, *place, "type", "veth", "peer", "name", port, "netns", self._switch)
        _ip("-n", self._switch, "link", "set", port, "master", "middle", "up")
        _ip(*at, "address", "add", f"{address}/24", "dev", interface)
        _ip(*at, "link", "set", interface, "up")

    def _socket(self, verb: str, host: str, port: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            command = ["ip", "netns", "exec", self._name, sys.executable, "-c", _OPEN]
            asked = [*command, str(theirs.fileno()), verb, host, str(port)]
            subprocess.run(asked, check=True, pass_fds=[theirs.fileno()])
            _, [made], _, _ = socket.recv_fds(ours, 1, 1)
        return socket.socket(fileno=made)


def _network() -> tuple[socket.socket, str]:
    """How a network begins that no other run has, of those that are set aside for trials (RFC 2544), and its claim."""
    for number in range(256):
        if held := claim(f"network {number}"):
            return held, f"198.18.{number}"
    raise RuntimeError("no network in 198.18.0.0/16 is free")


def _tidy() -> None:
    """Removes what a run that was killed has left: its address is ours."""
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    for name, process in re.findall(r"^(far(\d+)\S*)", listed, re.MULTILINE):
        if not Path("/proc", process).exists():
            cable = ["ip", "link", "delete", f"far{process}"]
            subprocess.run(cable, check=False, capture_output=True)  # it is gone with the first of the two
            _ip("netns", "delete", name)


@contextmanager
def over_there(far: Far, port: int) -> Iterator[str]:
    """What listens at `port` on this machine is reached over there: its "host:port" for the length of the block."""
    with far.listen() as listener, ExitStack() as ends:
        accepting = threading.Thread(target=_accept, args=(listener, port, ends))
        accepting.start()
        try:
            yield f"{far.there}:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, port: int, ends: ExitStack) -> None:
    """Until the listener is shut; `ends` ends what was begun."""
    with suppress(OSError):
        while True:
            near = ends.enter_context(listener.accept()[0])
            behind = ends.enter_context(socket.create_connection(("127.0.0.1", port)))
            for source, target in ((near, behind), (behind, near)):
                passing = threading.Thread(target=_pass_on, args=(source, target))
                passing.start()
                ends.callback(passing.join)
            ends.callback(_shut, near, behind)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    _shut(source, target)


def _shut(*both: socket.socket) -> None:
    for end in both:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
