"""Single dependencies in the versions that are shipped: containers where a Docker daemon answers.

Out: URLs of servers that nobody else uses. Where no daemon answers, callers start a program of the machine.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer
from testcontainers.core.config import testcontainers_config

from deploy.choice import docker_answers
from deploy.docker.images import STAND_INS, build_bases

# Its own image can't be had where there is no registry, and these containers end with their fixtures.
testcontainers_config.ryuk_disabled = True


@cache
def available() -> bool:
    """Whether a Docker daemon answers; stand-ins for base images are made then, if they are asked for."""
    answers = docker_answers()
    if answers and os.environ.get("BASE_IMAGES") == "local":
        build_bases(Path(__file__).parents[1], print)
    return answers


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis."""
    with RedisContainer(STAND_INS["redis"]) as container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL, for a role that may create databases."""
    made = PostgresContainer(STAND_INS["postgres"], username="portico", password="portico", dbname="postgres")
    with made.with_command("postgres -c fsync=off -c full_page_writes=off") as container:
        yield container.get_connection_url(driver=None)
