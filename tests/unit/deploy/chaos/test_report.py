from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from deploy.chaos import report
from deploy.chaos.sample import Kind, Sample
from deploy.chaos.summary import Promise, Window, summarise

SAMPLES = [
    *(Sample(Kind.READ, "GET /products", n / 10, n / 10 + 0.02, 200) for n in range(40)),
    Sample(Kind.KEYED, "POST /orders", 2.05, 4.0, 502, "<b>bad gateway</b>"),
]
ROWS = [
    summarise(Window("scale up", Promise.NOTHING, 0.0, 0.5, 2.0, 1.5), SAMPLES),
    summarise(Window("kill a gateway", Promise.IN_FLIGHT, 2.0, 3.0, 4.0, None), SAMPLES),
]


def test_the_table_has_a_line_for_each_fault_and_says_which_promise_was_broken() -> None:
    head, first, second = report.table(ROWS).splitlines()
    assert head.split()[0] == "FAULT"
    assert first.startswith("scale up")
    assert first.endswith("kept")
    assert "never" in second
    assert second.endswith("BROKEN")


def test_the_page_loads_nothing_and_shows_what_failed_as_text() -> None:
    made = report.page(ROWS, SAMPLES, "A run & its end", ["order 1 is missing"])
    assert "src=" not in made
    assert "href=" not in made
    assert "<b>" not in made
    assert "&lt;b&gt;bad gateway" in made
    assert "A run &amp; its end" in made
    assert "order 1 is missing" in made
    assert "{" not in made.partition("</style>")[2]


def drawn(*samples: Sample) -> list[ET.Element]:
    return list(ET.fromstring(report.plot(ROWS, samples)))  # noqa: S314  what this project has just made


def test_each_fault_is_marked_and_seconds_with_failures_are_red() -> None:
    found = drawn(*SAMPLES)
    assert [each.text for each in found if each.get("class") == "fault"] == ["scale up", "kill a gateway"]
    assert sum(each.get("class") == "blow" for each in found) == 2
    [red] = [each for each in found if each.get("class") == "failed"]
    assert float(red.get("height", 0)) >= 3


def test_a_run_without_requests_can_be_drawn() -> None:
    assert drawn()


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_them_and_enough_are_no_larger(found: list[float], rank: float) -> None:
    value = report.quantile(found, rank)
    assert value in found
    assert sum(each <= value for each in found) >= rank * len(found) - 1e-9
