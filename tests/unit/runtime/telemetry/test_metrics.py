"""runtime/telemetry/metrics.py: what Prometheus reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.telemetry.metrics import Histogram, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def lines(metrics: Metrics) -> list[str]:
    return [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]


def test_a_family_says_what_it_is_and_shows_each_child(metrics: Metrics) -> None:
    requests = metrics.counter("requests_total", "Requests.", "route", "status")
    requests.of("GET /", "200").value += 2
    requests.of("GET /", "404").value += 1
    assert metrics.text().decode().splitlines() == [
        "# HELP requests_total Requests.",
        "# TYPE requests_total counter",
        'requests_total{route="GET /",status="200"} 2',
        'requests_total{route="GET /",status="404"} 1',
    ]


def test_the_same_values_are_the_same_child(metrics: Metrics) -> None:
    family = metrics.gauge("in_flight", "In flight.", "route")
    assert family.of("a") is family.of("a")
    assert family.of("a") is not family.of("b")


def test_a_family_nobody_has_touched_is_announced_all_the_same(metrics: Metrics) -> None:
    metrics.counter("retries_total", "Retries.", "function")
    assert metrics.text() == b"# HELP retries_total Retries.\n# TYPE retries_total counter\n"


def test_a_histogram_counts_up_to_and_including_each_bound() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds)
    assert list(histogram.lines("t", 'a="b"')) == [
        't_bucket{a="b",le="0.1"} 2\n',
        't_bucket{a="b",le="1.0"} 3\n',
        't_bucket{a="b",le="+Inf"} 4\n',
        't_sum{a="b"} 7.65\n',
        't_count{a="b"} 4\n',
    ]


def test_a_histogram_without_labels_still_labels_its_buckets(metrics: Metrics) -> None:
    metrics.histogram("lag_seconds", "Lag.").of().observe(20)
    shown = lines(metrics)
    assert shown[0] == 'lag_seconds_bucket{le="0.001"} 0'
    assert shown[-3:] == ['lag_seconds_bucket{le="+Inf"} 1', "lag_seconds_sum 20.0", "lag_seconds_count 1"]


def test_a_summary_is_a_sum_and_a_count(metrics: Metrics) -> None:
    stage = metrics.summary("stage_seconds", "Stages.", "stage").of("limit")
    stage.observe(0.5)
    stage.observe(0.25)
    assert lines(metrics) == ['stage_seconds_sum{stage="limit"} 0.75', 'stage_seconds_count{stage="limit"} 2']


def test_what_others_keep_is_read_when_it_is_asked_for(metrics: Metrics) -> None:
    alive: dict[tuple[str, ...], float] = {("users",): 1}
    metrics.ask("gauge", "alive", "Alive.", lambda: alive, "function")
    alive["users",] = 3
    assert lines(metrics) == ['alive{function="users"} 3']


def test_a_name_given_again_replaces_the_first(metrics: Metrics) -> None:
    metrics.ask("gauge", "open", "Open.", lambda: {(): 1})
    metrics.ask("gauge", "open", "Open.", lambda: {(): 2})
    assert lines(metrics) == ["open 2"]


@given(st.text())
def test_a_labels_value_never_ends_its_line_or_its_quotes(value: str) -> None:
    metrics = Metrics()
    metrics.gauge("g", "G.", "label").of(value)
    _, _, line = metrics.text().decode().split("\n", 2)
    inside = line.removeprefix('g{label="').removesuffix('"} 0\n')
    assert "\n" not in inside
    assert inside.replace(r"\\", "").replace(r"\"", "").count('"') == 0


def test_children_are_forgotten_by_how_their_values_begin(metrics: Metrics) -> None:
    family = metrics.counter("a_total", "A.", "function", "route")
    for values in (("a", "1"), ("a", "2"), ("b", "1")):
        family.of(*values).value += 1
    bound = family.of("a", "1")
    family.forget({("a", "1")})
    assert family.known() == [("a", "2"), ("b", "1")]
    family.forget({("a",), ("c",)})
    bound.value += 1
    assert lines(metrics) == ['a_total{function="b",route="1"} 1']
