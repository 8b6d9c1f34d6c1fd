from pathlib import Path

import pytest

from deploy.docker.compose import Compose, reason


def test_a_taken_port_says_what_to_do() -> None:
    said = reason("up", "Error: driver failed: Bind for 127.0.0.1:8080 failed: port is already allocated")
    assert said.startswith("The front door's port is taken: end what has it, or choose another with PORT=9080 just up.")


def test_a_taken_network_says_what_to_do() -> None:
    assert "FRONT_SUBNET=" in reason("up", "invalid pool request: Pool overlaps with other one on this address space")


def test_where_docker_has_no_range_left_the_next_step_is_said() -> None:
    for words in (
        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
        "all predefined address pools have been fully subnetted",
    ):
        said = reason("up", f"failed to create network x_users: Error response from daemon: {words}")
        assert "docker network prune" in said
        assert "default-address-pools" in said


def test_an_image_that_can_not_be_had_says_what_to_do() -> None:
    lookup = "dial tcp: lookup images.example: no such host"
    for said in (
        f"failed to solve: python:3.14.8-slim: failed to resolve source metadata: {lookup}",
        f'Error response from daemon: Get "https://images.example/v2/": {lookup}',
    ):
        assert reason("build", said).startswith("The Docker daemon can't pull an image (")
        assert reason("build", said).endswith("see that it reaches a registry, or ENGINE=local just up.")


def test_anything_else_is_told_in_composes_own_last_words() -> None:
    assert reason("build", "step 1\n\n  no space left on device \n") == (
        "docker compose build failed: no space left on device"
    )
    assert reason("build", "") == "docker compose build failed: it did not say why"


LISTS = """#!/bin/sh
case "$1" in
    ps) echo "$*" >> "$(dirname "$0")/asked"; echo a; echo b ;;
    inspect) echo '[{"Config": {"Labels": {"com.docker.compose.service": "orders"}}},
                    {"Config": {"Labels": {"com.docker.compose.service": "users"}}}]' ;;
esac
"""


def test_containers_are_those_of_the_project_or_of_some_of_its_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").write_text(LISTS)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    compose = Compose(tmp_path, "mine", ["a.yml"], {})
    assert len(compose.containers()) == 2
    (found,) = compose.containers("orders", ended=True)
    assert found["Config"]["Labels"]["com.docker.compose.service"] == "orders"
    running, ended = (tmp_path / "asked").read_text().splitlines()
    assert "label=com.docker.compose.project=mine" in running
    assert ("--all" in running, "--all" in ended) == (False, True)
