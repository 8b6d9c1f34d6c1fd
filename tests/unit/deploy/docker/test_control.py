"""Who is talked to in containers, and what of a process inside that ends."""

import subprocess
from typing import Any

import pytest

from deploy.docker import control

Popen = subprocess.Popen


def test_each_container_is_one_gateway() -> None:
    assert [*control.running(lambda: {"gateway-1": "abc", "gateway-2": "def"})()] == ["gateway-1", "gateway-2"]


@pytest.mark.parametrize(("code", "away"), [(3, True), (1, False), (0, False)])
def test_where_nobody_listens_it_says_so(monkeypatch: pytest.MonkeyPatch, code: int, away: bool) -> None:  # noqa: FBT001
    asked: list[list[str]] = []

    def popen(command: list[str], **how: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401  as Popen has them
        asked.append(command)
        return Popen(["sh", "-c", f"exit {code}"], **how)

    monkeypatch.setattr(subprocess, "Popen", popen)
    talk = control.opened("gateway-1", "abc")
    assert talk.away() is away
    talk.close()
    assert asked[0][:4] == ["docker", "exec", "--interactive", "abc"]
