"""Single dependencies in the versions that are shipped: containers where a Docker daemon answers.

Out: URLs of servers that nobody else uses. Where no daemon answers, callers start a program of the machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer
from testcontainers.core.config import testcontainers_config

from deploy.docker.images import STAND_INS
from tests.left_out import missing

# Its own image can't be had where there is no registry, and these containers end with their fixtures.
testcontainers_config.ryuk_disabled = True


def available() -> bool:
    """Whether containers can be had."""
    return not missing()


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
