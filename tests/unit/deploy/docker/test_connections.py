"""What PostgreSQL must allow, by how many functions there are."""

import re
from pathlib import Path

import pytest

from deploy.docker.connections import settings
from deploy.engine import MOST_INSTANCES
from runtime.database import CONNECTIONS

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("functions", [0, 1, 2, 3, 20])
def test_every_instance_that_may_run_gets_its_pool_of_connections(functions: int) -> None:
    allowed = settings(functions)
    assert functions * MOST_INSTANCES * CONNECTIONS + 20 <= int(allowed["POSTGRES_CONNECTIONS"])
    assert int(allowed["POSTGRES_CONNECTIONS"]) < int(allowed["POSTGRES_PROCESSES"])


def test_the_file_alone_says_what_the_verbs_say_of_the_two_shipped_functions() -> None:
    said = re.findall(r"\$\{(POSTGRES_\w+):-(\w+)\}", (ROOT / "deploy/docker/stack.yml").read_text())
    assert dict(said) == settings(2)
