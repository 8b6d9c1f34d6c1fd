import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from deploy.docker.networks import joined, removed
from deploy.engine import Refusal

if TYPE_CHECKING:
    from deploy.docker.compose import Compose

# Notes what it was asked; `there` holds the networks that there are, with who is in them.
DOCKER = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> asked
for last; do :; done
case "$2" in
    inspect) test -f "there/$last" && cat "there/$last" ;;
    connect) test ! -f refuses || { echo no >&2; exit 1; } ;;
esac
"""


class Project:
    """Of which PostgreSQL is to be in two networks."""

    project = "portico"

    def call(self, *_arguments: str) -> str:
        networks = {
            "databases": {"name": "portico_databases", "internal": True},
            "zoo-data": {"name": "portico_zoo-data", "internal": True},
        }
        return json.dumps({"services": {"postgres": {"networks": dict.fromkeys(networks)}}, "networks": networks})


COMPOSE = cast("Compose", Project())
POSTGRES = {"Id": "pg", "NetworkSettings": {"Networks": {"portico_databases": {}}}}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "there").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def asked(docker: Path) -> list[str]:
    return [line for line in (docker / "asked").read_text().splitlines() if " inspect " not in line]


def test_who_runs_is_connected_to_a_network_that_is_new(docker: Path) -> None:
    joined(COMPOSE, "postgres", POSTGRES)
    made, connected = asked(docker)
    assert made.startswith("network create --internal --label com.docker.compose.project=portico")
    assert made.endswith("portico_zoo-data")
    assert connected == "network connect --alias postgres portico_zoo-data pg"


def test_a_network_that_is_there_is_not_made_again(docker: Path) -> None:
    (docker / "there/portico_zoo-data").touch()
    joined(COMPOSE, "postgres", POSTGRES)
    assert asked(docker) == ["network connect --alias postgres portico_zoo-data pg"]


def test_what_docker_refuses_is_told(docker: Path) -> None:
    (docker / "refuses").touch()
    with pytest.raises(Refusal, match="docker network connect failed: no"):
        joined(COMPOSE, "postgres", POSTGRES)


def test_a_network_goes_whoever_is_still_in_it(docker: Path) -> None:
    (docker / "there/portico_zoo-data").write_text("pg gw ")
    removed(COMPOSE, "zoo-data")
    assert asked(docker) == [
        "network disconnect --force portico_zoo-data pg",
        "network disconnect --force portico_zoo-data gw",
        "network rm portico_zoo-data",
    ]
    (docker / "asked").unlink()
    removed(COMPOSE, "gone")
    assert asked(docker) == ["network rm portico_gone"]
