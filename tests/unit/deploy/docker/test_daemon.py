"""deploy/docker/daemon.py: what Docker tells, read; and what it does not tell is not guessed."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deploy.docker.daemon import Daemon, ranges, routes
from deploy.docker.place import Holder
from deploy.engine import Refusal

DOCKER = """#!/bin/sh
case "$*" in
"ps --all --filter label=com.docker.compose.project=ours"*) printf '/a b\\n\\n/a b\\n' ;;
"volume ls --filter label=com.docker.compose.project=left"*) echo left_postgres ;;
"network ls --quiet") printf 'one\\ngone\\n' ;;
"network inspect one gone") echo '[{"Name": "x", "IPAM": {"Config": [{"Subnet": "10.1.2.0/24"}]}}]'; exit 1 ;;
*" ls "*|"ps "*) ;;
*) echo "Cannot connect" >&2; exit 1 ;;
esac
"""
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
br-1\t00F51EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
"""


def told(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "docker").write_text(script)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_project_is_held_by_folders_or_by_what_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(DOCKER, tmp_path, monkeypatch)
    assert Daemon().holder("ours") == Holder(frozenset({"/a b"}), there=True)
    assert Daemon().holder("left") == Holder(there=True)
    assert Daemon().holder("nobodys") == Holder()


def test_a_network_that_is_gone_meanwhile_takes_no_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(DOCKER, tmp_path, monkeypatch)
    assert Daemon().networks() == {"x": [IPv4Network("10.1.2.0/24")]}


def test_a_daemon_that_does_not_answer_has_not_said_that_anything_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("#!/bin/sh\necho Cannot connect >&2; exit 1\n", tmp_path, monkeypatch)
    for ask in (Daemon().networks, lambda: Daemon().holder("portico")):
        with pytest.raises(Refusal, match="Cannot connect"):
            ask()


@pytest.mark.parametrize(
    ("ipam", "found"),
    [
        ({"Config": [{"Subnet": "10.1.0.0/16"}, {"Subnet": "fd00::/64"}, {}]}, ["10.1.0.0/16"]),
        ({"Config": None}, []),
        ({}, []),
        (None, []),
    ],
)
def test_ranges_of_a_network_are_those_of_ipv4(ipam: object, found: list[str]) -> None:
    assert ranges({"IPAM": ipam}) == [IPv4Network(each) for each in found]


def test_the_way_to_everywhere_is_no_range_that_is_used() -> None:
    assert routes(ROUTES) == [IPv4Network("172.30.245.0/24"), IPv4Network("10.0.0.0/8")]
    assert routes("") == []
