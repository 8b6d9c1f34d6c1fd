from pathlib import Path

import pytest

from deploy.docker.metrics import pages

DOCKER = """#!/bin/sh
test "$1 $2" = "exec abc" && echo 'portico_gateway_limit_local 0'
"""


def test_a_page_is_read_in_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    made = pages([{"Name": "/portico-gateway-1", "Id": "abc"}, {"Name": "/portico-gateway-2", "Id": "gone"}])
    assert {name: read() for name, read in made.items()} == {
        "portico-gateway-1": "portico_gateway_limit_local 0\n",
        "portico-gateway-2": "",
    }
