"""The contract suite of the cache: every case on memory, on Redis and through nginx, and their table in the docs."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contract.conftest import RedisServer
from tests.contract.functions.gateway.stages.cache import backends
from tests.contract.functions.gateway.stages.cache.backends import Backend
from tests.contract.functions.gateway.stages.cache.cases import CASES, WHY
from tests.contract.functions.gateway.stages.cache.page import agree, shown, table
from tests.contract.functions.gateway.stages.cache.script import Case, Step, dated, faults
from tests.contract.nginx.conftest import SPAN
from tests.ports import free_base

BACKENDS = ("memory", "redis", "nginx")

seen: dict[tuple[str, str], list[str]] = {}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Backend]]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    folder = tmp_path_factory.mktemp("behind")
    with (
        backends.memory() as memory,
        backends.redis(server.url) as redis,
        backends.through_nginx(folder, server.url.replace("/0", "/1"), free_base(SPAN)) as nginx,
    ):
        yield {"memory": memory, "redis": redis, "nginx": nginx}
    server.kill()


def run(case: Case, backend: Backend) -> list[str]:
    """What is wrong, step by step."""
    target = f"/things/{case.name}"
    found: list[str] = []
    for number, step in enumerate(case.steps, 1):
        backend.function.step, backend.function.heads = at(step, target), []
        sends = [(name, value.strip()) for name, _, value in (dated(line).partition(":") for line in step.sends)]
        answer = backend.ask(step.method, target + step.target, sends)
        found += [
            f"request {number}: {fault}" for fault in faults(at(step, target), answer, list(backend.function.heads))
        ]
    return found


def at(step: Step, target: str) -> Step:
    """A step with the target of its case written out."""
    return replace(step, says=tuple(line.replace("{target}", target) for line in step.says))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_cache(case: Case, backend: str, made: dict[str, Backend]) -> None:
    seen[case.name, backend] = run(case, made[backend])
    assert bool(seen[case.name, backend]) == (case.name in WHY), seen[case.name, backend]


def test_the_page_has_the_table_of_these_results(made: dict[str, Backend]) -> None:
    results = {
        (case.name, backend): seen[case.name, backend] if (case.name, backend) in seen else run(case, made[backend])
        for case in CASES
        for backend in BACKENDS
    }
    text = table([case.name for case in CASES], BACKENDS, results, WHY)
    agree(text)
    assert shown() == text, "write it anew with WRITE_DOCS=1 and read what changed"
