"""What PostgreSQL must allow, so that every instance that may run gets its pool of connections."""

from collections.abc import Mapping

from deploy.engine import MOST_INSTANCES
from runtime.database import CONNECTIONS

_FOR_JOBS_AND_PEOPLE = 44
_OTHER_PROCESSES = 100
_MEBIBYTES = 3  # that a connection may come to, beside what all share
_SHARED_MEBIBYTES = 100


def settings(functions: int) -> Mapping[str, str]:
    """What deploy/docker/stack.yml is told where so many functions have a database."""
    connections = functions * MOST_INSTANCES * CONNECTIONS + _FOR_JOBS_AND_PEOPLE
    return {
        "POSTGRES_CONNECTIONS": str(connections),
        "POSTGRES_PROCESSES": str(connections + _OTHER_PROCESSES),
        "POSTGRES_MEMORY": f"{connections * _MEBIBYTES + _SHARED_MEBIBYTES}m",
    }
