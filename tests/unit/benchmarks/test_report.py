"""The page that a run leaves for people."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.report import Flood, Results, Window, best, settled, write
from benchmarks.whole import Share, Start, Whole

WHOLE = Whole(
    reads={"1 gateway": Share({"nginx": 20.0, "gateway": 90.0}, 1000.0, 1.0, 2.0)},
    orders=Share({"nginx": 30.0, "gateway": 200.0}, 40.0, 5.0, 9.0),
    beside={"reads alone": (1.0, 2.0)},
    starts={"users": Start(0.5, 60.0)},
)


def results(ours: float) -> Results:
    floods = {"portico": Flood(ours, ours * 1.1, 5000.0, 0), "envoy": Flood(50.0, 60.0, 9000.0, 0)}
    latency = {"portico": (1.0, 2.0), "envoy": (1.0, 2.0)}
    policies = {"envoy": Flood(40.0, 40.0, 9000.0, 0), "plain": Flood(ours, ours, 5000.0, 0)}
    memory = {"portico": 60.0, "envoy": 100.0}
    return Results({"small GET": floods}, policies, latency, memory, [(0.5, 60.0)], WHOLE)


def drawn(_floods: Mapping[str, Flood], file: Path, machine: str) -> None:
    file.write_text(machine)


def written(folder: Path, *runs: Results) -> str:
    for run in runs:
        write(run, folder, drawn)
    return (folder / "README.md").read_text()


def test_the_best_window_counts_and_every_failure_does() -> None:
    assert best([Window(3e-6, 10.0, 1), Window(2e-6, 12.0, 2), Window(0.0, 0.0, 4)]) == Flood(2.0, 3.0, 12.0, 7)


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([2.0, 3.0, 2.05, 2.09], True),
        ([2.0, 3.0, 2.05, 2.2], False),
        ([2.0, 2.0], False),
        ([0.0, 0.0], True),
        ([0.0, 2.0, 2.0], False),
    ],
)
def test_a_best_window_that_was_reached_less_than_thrice_may_be_luck(costs: list[float], *, expected: bool) -> None:
    assert settled([Window(cost, float(cost > 0), 0) for cost in costs]) is expected


def test_who_served_nothing_is_told_and_compared_with_nobody(tmp_path: Path) -> None:
    run = results(80.0)
    run.policies["all"] = best([Window(0.0, 0.0, 128), Window(0.0, 0.0, 128)])
    page = written(tmp_path, run)
    assert "| all | served nothing | 0 | 256 |" in page
    assert "policy all" not in page


def test_a_function_is_compared_with_a_constant_and_with_its_statements_alone(tmp_path: Path) -> None:
    run = results(80.0)
    assert "A function" not in written(tmp_path, run)
    run.functions = {"a constant": Flood(20.0, 25.0, 30_000.0, 0), "portico, read": Flood(90.0, 95.0, 9_000.0, 2)}
    run.bare = {"SQLite": 2_000.0}
    page = written(tmp_path, run)
    assert "| portico, read | 90 (to 95) | 4.5 | 9,000 | 2 |" in page
    assert "| SQLite | 2,000 |" in page


def test_a_first_run_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    page = written(tmp_path, results(75.0))
    assert "| portico | 1.50 | new |" in page
    assert "| POST /orders | 30 | 200 | 40 | 5.0 | 9.0 | 0 |" in page
    assert "| users | 0.50 | 60 |" in page


@pytest.mark.parametrize(("then", "now", "said"), [(75.0, 80.0, "none to speak of"), (100.0, 75.0, "-25%")])
def test_the_next_run_says_what_changed(tmp_path: Path, then: float, now: float, said: str) -> None:
    assert f"| portico | {now / 50:.2f} | {said} |" in written(tmp_path, results(then), results(now))


def test_a_policy_is_compared_with_envoy_in_the_same_rounds(tmp_path: Path) -> None:
    page = written(tmp_path, results(80.0))
    assert "| policy plain | 2.00 | new |" in page
    assert "policy envoy" not in page


def test_of_a_further_scenario_our_own_ratio_is_told() -> None:
    run = results(80.0)
    run.scenarios["100 KB GET"] = {"portico": Flood(300.0, 300.0, 1.0, 0), "envoy": Flood(150.0, 150.0, 1.0, 0)}
    assert run.ratios()["portico, 100 KB GET"] == 2.0


def test_a_run_in_another_form_is_not_compared_with(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"scenarios": 7}')
    assert "| portico | 1.50 | new |" in written(tmp_path, results(75.0))


def test_a_picture_says_on_which_machine(tmp_path: Path) -> None:
    written(tmp_path, results(75.0))
    assert "cores, Linux" in (tmp_path / "cost.svg").read_text()
