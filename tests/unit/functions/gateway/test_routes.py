"""The route table: what is compiled from manifests, what is refused, and what a path finds."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from functions.gateway.routes import compile_routes
from runtime.manifest import ManifestError, read_all
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


def test_the_gateway_is_no_instance_of_its_own() -> None:
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


def test_two_functions_may_not_claim_the_same_rest() -> None:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest({"match": "GET /a/{b...}"}), manifest({"match": "GET /a/{c...}"}, name="others")])
    assert raised.value.lines == ["others: route GET /a/{c...}: things has GET /a/{b...}"]
    assert len(compile_routes([manifest({"match": "GET /a/{b...}"}, {"match": "GET /a/{b}"})])) == 2


# Where it stands in the files.

PLACES = [
    ('deadline = "2m"', "route[0].deadline"),
    ("retries = 9", "route[0].retries"),
    ('body = "1GiB"', "route[0].body"),
    ('limit = "9000000/1s"', "route[0].limit"),
    ('limits.slow = "1/32d"', "route[0].limits.slow"),
    ('auth = "public"\nrole = "admin"', "route[0].role"),
    ('auth = "public"\nlimits = { mine = "1/1s by principal" }', "route[0].limits.mine"),
    ('limit = "1/1s"\nlimits = { a = "1/1s", default = "2/1s" }', "route[0].limits.default"),
    ('deadline = "0s"', "route[0].deadline"),
    ('cache_keep = ["a"]', "route[0].cache_keep"),
    ('cors = ["*"]\ncors_cookies = "include"', "route[0].cors_cookies"),
    ('cors = ["https://a.example", "*"]', "route[0].cors"),
    ('cors_expose = ["ETag"]', "route[0].cors_expose"),
]
BEGIN = '# [[route]]\nname = "a"\napp.module = "a"\n'


def places(root: Path, **files: str) -> list[str]:
    """What is refused, each line from the folder's name on and up to the key."""
    for name, text in files.items():
        (root / name).mkdir()
        (root / name / "function.toml").write_text(text)
    with pytest.raises(ManifestError) as raised:
        compile_routes(read_all(root))
    return [": ".join(line.removeprefix(f"{root}/").split(": ")[:2]) for line in raised.value.lines]


@pytest.mark.parametrize(("text", "key"), PLACES)
def test_what_a_route_may_not_say_is_told_with_its_line(text: str, key: str, tmp_path: Path) -> None:
    file = f'{BEGIN}[[route]]\nmatch = "GET /a"\n{text}\n'
    assert places(tmp_path, a=file) == [f"a/function.toml:{file.count(chr(10))}: {key}"]


@pytest.mark.parametrize(("text", "key"), PLACES)
def test_what_defaults_may_not_say_is_told_once_with_their_line(text: str, key: str, tmp_path: Path) -> None:
    routes = '[[route]]\nmatch = "GET /a"\n[[route]]\nmatch = "GET /b"\n'
    file = f"{BEGIN}[defaults]\n{text}\n"
    line = file.count("\n")
    assert places(tmp_path, a=file + routes) == [f"a/function.toml:{line}: {key.replace('route[0]', 'defaults')}"]


def test_a_limit_of_a_public_route_that_its_defaults_have_is_told_there(tmp_path: Path) -> None:
    file = f'{BEGIN}[defaults]\nlimit = "1/1s by principal"\n[[route]]\nmatch = "GET /a"\nauth = "public"\n'
    assert places(tmp_path, a=file) == ["a/function.toml:5: defaults.limit"]


def both(root: Path, text: str) -> list[str]:
    """What is refused where two functions say the same, without the folder's name."""
    for name in "ab":
        (root / name).mkdir()
        (root / name / "function.toml").write_text(text.replace("NAME", name))
    with pytest.raises(ManifestError) as raised:
        compile_routes(read_all(root))
    return [line.replace(f"{root}/", "") for line in raised.value.lines]


def test_a_route_that_is_said_twice_is_told_with_both_places(tmp_path: Path) -> None:
    (line,) = both(tmp_path, 'name = "NAME"\napp.module = "a"\n[[route]]\nmatch = "GET /a/{b}"\n')
    assert line.startswith("b/function.toml:4: route[0].match: route GET /a/{b}: a has GET /a/{b}")
    assert line.endswith("(a/function.toml:4)")


def test_what_only_one_function_may_have_is_told_with_both_places(tmp_path: Path) -> None:
    name, keys = both(tmp_path, f'{BEGIN}[api_keys]\nprefix = "a_"\nswap = "/x"\n')
    assert name.startswith("b/function.toml:2: name: 2 manifests have this name")
    assert name.endswith("(a/function.toml:2)")
    assert keys.startswith("b/function.toml:4: api_keys: a has them;")
    assert keys.endswith("(a/function.toml:4)")


@pytest.mark.parametrize(
    ("table", "text"),
    [("circuit", "consecutive = 21"), ("circuit", 'open = "6s"'), ("concurrency", "start = 1\nmost = 5001")],
)
def test_what_all_routes_share_is_told_with_its_line(table: str, text: str, tmp_path: Path) -> None:
    file = f"{BEGIN}[{table}]\n{text}\n"
    name = text.splitlines()[-1].partition(" ")[0]
    assert places(tmp_path, a=file) == [f"a/function.toml:{file.count(chr(10))}: {table}.{name}"]


def test_a_path_that_is_for_gateways_only_is_told_where_a_route_leads_to_it(tmp_path: Path) -> None:
    file = f'ended_sessions = "/a/b"\n{BEGIN}[[route]]\nmatch = "GET /c"\n[[route]]\nmatch = "GET /a/{{x}}"\n'
    assert places(tmp_path, a=file) == ["a/function.toml:8: route[1].match"]
