from pathlib import Path

import pytest

from deploy.docker.door import led
from deploy.engine import Refusal

DOCKER = """#!/bin/sh
test "$1 $2 $3 $4" = "exec --env BODIES=location abc" || exit 9
{}
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docker").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "docker"


@pytest.mark.parametrize(("said", "anew"), [("echo led", True), ("true", False)])
def test_it_says_whether_there_was_anything_new(docker: Path, said: str, anew: bool) -> None:  # noqa: FBT001
    docker.write_text(DOCKER.format(said))
    assert led("abc", "location") is anew


def test_what_nginx_refuses_is_told_in_its_own_words(docker: Path) -> None:
    docker.write_text(DOCKER.format("echo before >&2; echo 'nginx: [emerg] unknown directive' >&2; exit 1"))
    with pytest.raises(Refusal, match=r"nginx refuses its configuration: nginx: \[emerg\] unknown directive"):
        led("abc", "location")
