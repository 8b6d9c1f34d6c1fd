"""What Docker says of itself, as it is told."""

import shutil
import subprocess

import pytest

from deploy.doctor import docker


def answered(code: int, out: str = "", error: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], code, out, error)


@pytest.mark.parametrize(
    ("engine", "answer", "state", "said"),
    [
        ("docker", answered(0, "28.5.2\n"), "ok", "28.5.2"),
        ("local", answered(0, "28.5.2\n"), "ok", "28.5.2; the stack runs without it"),
        ("local", answered(1, "", "cannot connect"), "ok", "no daemon answers, and none is needed"),
        ("docker", answered(1, "", "a\ncannot connect"), "wrong", "No daemon answers (cannot connect): start it, "),
        ("docker", answered(1, "", "permission denied"), "wrong", "join the group docker"),
        ("docker", answered(1), "wrong", "it did not say why"),
    ],
)
def test_a_daemon_is_wrong_only_where_the_stack_needs_it(
    engine: str, answer: "subprocess.CompletedProcess[str]", state: str, said: str
) -> None:
    found = docker.daemon(engine, answer)
    assert found.state == state
    assert said in found.said


@pytest.mark.parametrize(
    ("told", "state"),
    [("2.40.3\n", "ok"), ("v2.24.0", "ok"), ("2.9.0", "wrong"), ("docker: 'compose' is not a docker command", "wrong")],
)
def test_a_plugin_is_there_and_new_enough(told: str, state: str) -> None:
    assert docker.plugin("Compose", told, (2, 24)).state == state


@pytest.mark.parametrize(("engine", "state"), [("local", "ok"), ("docker", "wrong"), ("", "ok")])
def test_without_docker_only_a_stack_of_containers_is_wrong(
    engine: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert [found.state for found in docker.docker(engine)] == [state]
