"""tests/side_by_side.py: what uses one stack stays on one worker, and what takes longest is begun first."""

import os
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.side_by_side import layer, rank, share, turn, workers


@pytest.mark.parametrize(
    ("test", "name", "counted"),
    [
        ("tests/e2e/test_orders.py::test_it[local]", "e2e local", "e2e local"),
        ("tests/e2e/test_verbs.py::test_it[docker-1]", "e2e docker", "e2e docker"),
        ("tests/e2e/test_verbs.py::test_it[1-docker-a]", "e2e docker", "e2e docker"),
        ("tests/e2e/test_first_function.py::test_it", "tests/e2e/test_first_function.py", "e2e"),
        ("tests/contract/nginx/test_edge.py::test_it[local]", "tests/contract/nginx/test_edge.py", "contract"),
        ("tests/unit/test_house.py::test_it[docker]", "tests/unit/test_house.py", "unit"),
    ],
)
def test_a_share_is_a_file_or_all_that_uses_one_stack(test: str, name: str, counted: str) -> None:
    assert (share(test), layer(test)) == (name, counted)


def test_what_takes_longest_is_begun_first() -> None:
    tests = [
        "tests/unit/test_house.py::test_it",
        "tests/contract/test_ports.py::test_it",
        "tests/e2e/test_first_function.py::test_it",
        "tests/e2e/test_orders.py::test_it[local]",
        "tests/e2e/test_orders.py::test_it[docker]",
    ]
    assert sorted(tests, key=rank) == [*reversed(tests)]


def test_tests_that_wait_get_a_worker_more_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert workers(["tests/unit"]) == workers(["tests/unit/runtime", "tests/unit/deploy"]) == 2
    assert workers(["tests"]) == workers(["tests/unit", "tests/contract"]) == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {*range(64)})
    assert workers(["tests"]) == 6


def test_who_must_be_alone_waits_for_others_and_is_waited_for(tmp_path: Path) -> None:
    said = []

    def take(test: str) -> None:
        with turn(test, tmp_path):
            said.append(test)

    with ThreadPoolExecutor() as threads:
        with turn("tests/e2e/test_edge.py::test_it[local]", tmp_path):
            take("tests/e2e/test_orders.py::test_it[local]")  # not held up
            alone = threads.submit(take, "tests/e2e/test_chaos.py::test_it[local]")
            assert not wait([alone], 0.05).done
            assert said == ["tests/e2e/test_orders.py::test_it[local]"]
        alone.result()
        with turn("tests/e2e/test_chaos.py::test_it[docker]", tmp_path):
            other = threads.submit(take, "tests/unit/test_house.py::test_it")
            assert not wait([other], 0.05).done
        other.result()
