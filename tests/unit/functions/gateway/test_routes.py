"""The route table: what is compiled from manifests, what is refused, and what a path finds."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.routes import Route, Table, compile_routes
from runtime.manifest import ManifestError, Policy, read_all
from tests.exchanges import manifest

ROOT = Path(__file__).parents[4]


def faults(*routes: Mapping[str, object]) -> str:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest(*routes)])
    return "\n".join(raised.value.lines)


def test_a_route_says_what_its_function_and_the_gateway_do_not() -> None:
    route = compile_routes([manifest({"match": "GET /a", "retries": 3}, deadline="2s", retries=2)])[0]
    assert (route.policy.retries, route.policy.deadline, route.policy.body) == (3, 2.0, 1024**2)


def test_a_route_that_says_nothing_is_not_public() -> None:
    assert compile_routes([manifest({"match": "GET /a"})])[0].policy.auth == "bearer"


def test_a_route_is_called_by_its_method_and_path() -> None:
    assert compile_routes([manifest({"match": "GET /a/{id}"})])[0].template == "GET /a/{id}"


def test_the_gateway_is_no_endpoint_of_its_own() -> None:
    assert compile_routes([manifest({"match": "GET /a"}, name="gateway")]) == []


def test_the_shipped_manifests_compile() -> None:
    assert {route.function for route in compile_routes(read_all(ROOT / "functions"))} >= {"users", "orders"}


def test_two_functions_may_not_claim_one_path() -> None:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest({"match": "GET /a/{id}"}), manifest({"match": "GET /a/{name}"}, name="others")])
    assert raised.value.lines == ["others: route GET /a/{name}: things has GET /a/{id}"]


@pytest.mark.parametrize("path", ["/", "/docs", "/livez", "/metrics", "/openapi.json", "/problems/mine", "/readyz"])
def test_a_path_that_the_gateway_answers_itself_is_refused(path: str) -> None:
    assert faults({"match": f"GET {path}"}) == f"things: route GET {path}: the gateway answers this path itself"


def test_two_functions_may_not_have_one_name() -> None:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest({"match": "GET /a"}), manifest({"match": "GET /b"})])
    assert raised.value.lines == ["things: 2 manifests have this name; each function needs its own"]


def test_two_methods_of_one_path_are_two_routes() -> None:
    assert len(compile_routes([manifest({"match": "GET /a"}, {"match": "POST /a"})])) == 2


def test_a_policy_above_its_ceiling_is_refused() -> None:
    assert "deadline is above the gateway's ceiling of 20" in faults({"match": "GET /a", "deadline": "2m"})


def test_a_role_on_a_public_route_is_refused_as_nobody_would_check_it() -> None:
    assert "role `admin`" in faults({"match": "PUT /a", "auth": "public", "role": "admin"})


def test_a_deadline_of_nothing_is_refused_as_it_would_be_none() -> None:
    assert "deadline leaves no time" in faults({"match": "GET /a", "deadline": "0s"})


def test_a_cache_for_answers_to_changes_is_refused() -> None:
    assert "cache is for answers to GET" in faults({"match": "PUT /a", "cache": "shared"})


def test_rules_of_a_cache_that_is_not_there_are_refused() -> None:
    assert "need cache = `shared`" in faults({"match": "GET /a", "cache_drop": ["utm_source"]})


def test_a_cache_that_keeps_answers_for_longer_than_a_day_is_refused() -> None:
    told = faults({"match": "GET /a", "cache": "shared", "cache_longest": "2d"})
    assert "cache_longest is above the gateway's ceiling of 1d" in told


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ({"cors": ["*"], "cors_cookies": "include"}, "would lend anybody's page its reader's cookies"),
        ({"cors": ["*", "https://a.example"]}, "cors has `*`, which leaves nothing to the other origins"),
        ({"cors": [f"https://a{n}.example" for n in range(33)]}, "33 origins are above the gateway's ceiling of 32"),
        ({"cors": ["*"], "cors_longest": "3h"}, "cors_longest is above the gateway's ceiling of 2h"),
        ({"cors_headers": ["X-Mine"]}, "need cors"),
    ],
)
def test_pages_that_may_more_than_a_gateway_allows_are_refused(policy: dict[str, object], fault: str) -> None:
    told = faults({"match": "GET /a", **policy})
    assert fault in told
    assert len(told.splitlines()) == 1


def test_a_limit_that_says_not_whose_it_is_goes_by_principal_or_by_address() -> None:
    bearer, public = compile_routes(
        [
            manifest(
                {"match": "GET /a"},
                {"match": "GET /b", "auth": "public"},
                limit="5/1m",
                limits={"all": "9/1m by route"},
            )
        ]
    )
    assert {name: str(rule) for name, rule in bearer.rules.items()} == {
        "default": "5/1m by principal",
        "all": "9/1m by route",
    }
    assert public.rules["default"].by == "address"


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ({"big": "2000000/1s"}, "limit `big`: 2000000 at once is above the gateway's ceiling of 1000000"),
        ({"slow": "1/32d"}, "limit `slow`: takes longer to fill than the gateway's ceiling of 31 days"),
        ({f"l{number}": "1/1s" for number in range(9)}, "9 limits are above the gateway's ceiling of 8"),
    ],
)
def test_a_limit_above_its_ceiling_is_refused(limits: dict[str, str], fault: str) -> None:
    assert faults({"match": "GET /a", "limits": limits}) == f"things: route GET /a: {fault}"


def test_a_limit_by_principal_of_a_public_route_is_refused_as_there_is_none() -> None:
    told = faults({"match": "GET /a", "auth": "public", "limits": {"mine": "1/1s by principal"}})
    assert told == "things: route GET /a: limit `mine` by principal needs auth = `bearer`"


def test_a_default_limit_that_is_said_twice_is_refused() -> None:
    told = faults({"match": "GET /a", "limit": "1/1s", "limits": {"default": "2/1s"}})
    assert told == "things: route GET /a: limits.default is said twice, as `limit` means it too"


INNER = {"ended_sessions": "/a/ended", "api_keys": {"prefix": "acme_", "swap": "/a/token"}}


@pytest.mark.parametrize(("match", "led_to"), [("/a/{id}", ["ended", "token"]), ("/a/token", ["token"])])
def test_a_route_that_leads_to_what_is_for_gateways_only_is_refused(match: str, led_to: list[str]) -> None:
    shown = manifest({"match": f"GET {match}"}, own=INNER)
    with pytest.raises(ManifestError) as raised:
        compile_routes([shown])
    each = f"things: route GET {match}: leads to /a/"
    assert raised.value.lines == [f"{each}{name}, which is for gateways only" for name in led_to]


def test_a_route_of_another_function_or_method_leads_elsewhere() -> None:
    hidden = manifest({"match": "DELETE /a/{id}"}, own=INNER)
    assert len(compile_routes([hidden, manifest({"match": "GET /a/{rest...}"}, name="others")])) == 2


def test_two_functions_may_not_have_api_keys() -> None:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest(own=INNER), manifest(name="others", own=INNER)])
    assert raised.value.lines == ["others: api_keys: things has them; gateways ask one function only"]


def test_every_fault_is_told_at_once() -> None:
    told = faults(
        {"match": "GET /a", "retries": 9}, {"match": "GET /a"}, {"match": "GET /b", "auth": "public", "role": "admin"}
    )
    assert len(told.splitlines()) == 3


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


def test_two_functions_may_not_claim_the_same_rest() -> None:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest({"match": "GET /a/{b...}"}), manifest({"match": "GET /a/{c...}"}, name="others")])
    assert raised.value.lines == ["others: route GET /a/{c...}: things has GET /a/{b...}"]
    assert len(compile_routes([manifest({"match": "GET /a/{b...}"}, {"match": "GET /a/{b}"})])) == 2


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
