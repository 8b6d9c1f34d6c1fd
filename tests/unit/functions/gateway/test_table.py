"""The table: what a path finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.routes import Route, compile_routes
from functions.gateway.table import Table
from runtime.manifest import Policy
from tests.exchanges import manifest


def table(*templates: str) -> Table[str]:
    return Table(compile_routes([manifest(*({"match": template} for template in templates))]), lambda r: r.template)


def test_a_literal_step_is_preferred_to_a_parameter() -> None:
    assert table("GET /users/{id}", "GET /users/me").find("/users/me") == {"GET": "GET /users/me"}


def test_a_literal_that_leads_nowhere_gives_way_to_a_parameter() -> None:
    found = table("GET /users/me/photo", "GET /users/{id}/name").find("/users/me/name")
    assert found == {"GET": "GET /users/{id}/name"}


def test_a_literal_path_does_not_borrow_methods_from_a_parameter() -> None:
    assert table("GET /users/{id}", "DELETE /users/me").find("/users/me") == {"DELETE": "DELETE /users/me"}


@pytest.mark.parametrize("path", ["/users/", "/users//", "//users/1", "/users/1/", "/", "", "*", "/users"])
def test_an_empty_step_is_no_parameter(path: str) -> None:
    assert table("GET /users/{id}").find(path) == {}


def test_a_path_of_many_steps_is_looked_up_no_deeper_than_the_table() -> None:
    assert table("GET /users/{id}").find("/users" * 100_000) == {}


def test_a_rest_is_everything_below() -> None:
    found = table("GET /old/{rest...}", "GET /old/{id}", "GET /old/new", "PUT /old/new/{x}")
    for path in ("/old/", "/old/1/2", "/old/new/1/2", "/old/new/"):
        assert found.find(path) == {"GET": "GET /old/{rest...}"}
    assert found.find("/old/1") == {"GET": "GET /old/{id}"}
    assert found.find("/old/new/1") == {"PUT": "PUT /old/new/{x}"}
    assert found.find("/old") == found.find("/") == {}


STEPS = st.sampled_from(["a", "b", "{x}", "{y}"])
RESTS = st.sampled_from([(), ("{z...}",)])
PATHS = st.builds(lambda steps, rest: (*steps, *rest), st.lists(STEPS, min_size=1, max_size=3), RESTS)
ROUTES = st.dictionaries(st.tuples(st.sampled_from(["GET", "PUT"]), PATHS), st.none(), max_size=12)
ASKED = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=4)


def fits(template: tuple[str, ...], steps: list[str]) -> bool:
    """Whether a path is one of a template's, step by step."""
    *first, last = template
    if last == "{z...}":
        return len(steps) > len(first) and all(map(step_fits, first, steps))
    return len(steps) == len(template) and all(map(step_fits, template, steps))


def step_fits(said: str, step: str) -> bool:
    return said == step or bool(said.startswith("{") and step)


def shape(template: tuple[str, ...]) -> tuple[int, ...]:
    """The lower, the better: compared step by step, a literal beats a parameter, and that a rest."""
    return tuple(2 if step == "{z...}" else int(step.startswith("{")) for step in template)


@given(ROUTES, ASKED)
def test_any_table_agrees_with_a_naive_matcher(
    declared: dict[tuple[str, tuple[str, ...]], None], steps: list[str]
) -> None:
    routes = [Route("things", method, "/" + "/".join(path), Policy()) for method, path in declared]
    found = Table(routes, lambda route: route.path).find("/" + "/".join(steps))
    fitting = [(method, path) for method, path in declared if fits(path, steps)]
    best = min((shape(path) for _, path in fitting), default=())
    assert set(found) == {method for method, path in fitting if shape(path) == best}
