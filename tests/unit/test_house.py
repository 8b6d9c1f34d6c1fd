"""The checks of the house: what a reader may rely on in every file, and which way the arrows between them go."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

from functions.gateway.routes import CEILINGS, compile_routes
from runtime.manifest import read_all

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path.relative_to(ROOT)
    for part in ("runtime", "functions", "deploy")
    for path in (ROOT / part).rglob("*.py")
    if path.stat().st_size and not any(step.startswith(".") for step in path.relative_to(ROOT).parts)
)

WITHOUT_TEST = {
    Path("runtime/asgi.py"): "types only",
    Path("functions/gateway/stages/cache/far.py"): "types only",
}
LONGEST_LINE, LONGEST_FUNCTION, LONGEST_FILE = 120, 40, 300

FUNCTIONS = sorted(f"functions.{folder.name}" for folder in (ROOT / "functions").iterdir() if any(folder.glob("*.py")))
DECIDING = [
    "answer",
    "asked",
    "conditional",
    "decision",
    "directives",
    "entry",
    "fields",
    "freshness",
    "invalidation",
    "keys",
    "ledger",
    "ranges",
    "selection",
    "shelf",
    "status",
    "storable",
    "structured",
    "update",
]
PURE = [
    "functions.gateway.documents.call",
    "functions.gateway.documents.merge",
    "functions.gateway.documents.outline",
    "functions.gateway.documents.page",
    "functions.gateway.exchange",
    "functions.gateway.routes",
    "functions.gateway.stages.breaker.circuit",
    "functions.gateway.stages.breaker.circuits",
    *(f"functions.gateway.stages.cache.{name}" for name in DECIDING),
    "functions.gateway.stages.limit.bucket",
    "functions.gateway.stages.limit.desk",
    "functions.gateway.stages.limit.fields",
    "functions.gateway.stages.limit.policy",
    "functions.gateway.stages.limit.stored",
    "functions.gateway.stages.limit.subject",
    "functions.gateway.stages.retry.budget",
    "functions.gateway.stages.shed.bound",
    "functions.gateway.stages.shed.line",
    "functions.gateway.table",
    "functions.gateway.wire",
    "functions.orders.model",
    "functions.users.apikeys.model",
    "functions.users.model",
    "functions.users.throttle.decision",
    "runtime.http.dates",
    "runtime.http.network",
    "runtime.http.problem",
    "runtime.http.schema_example",
    "runtime.http.tags",
    "runtime.http.validation",
    "runtime.identity.jwk",
    "runtime.identity.jws",
    "runtime.identity.rotation",
    "runtime.manifest",
    "runtime.serving.deadline",
    "runtime.toml_lines",
    "runtime.units",
    "runtime.visible",
]
DOES_IO = {
    "asyncio",
    "asyncpg",
    "granian",
    "httptools",
    "litestar",
    "os",
    "redis",
    "socket",
    "sqlite3",
    "subprocess",
}
CONCRETE = [
    "functions.gateway.instances.directory",
    "functions.gateway.instances.dns",
    "functions.gateway.settings",
    "functions.gateway.stages.cache.redis",
    "functions.gateway.stages.limit.fallback",
    "functions.gateway.stages.limit.redis",
]

ROOTS = {"functions.gateway.app", "functions.gateway.cached", "functions.gateway.limits"}  # each composes what it runs

# The rooms of runtime/ from below, and what has none: each may import itself, and whatever is on a lower floor.
FLOORS = [
    {"asgi", "instant", "silence", "toml_lines", "units", "visible"},
    {"telemetry"},
    {"http"},
    {"manifest", "settings"},
    {"serving"},
    {"identity"},
    {"database"},
]

# In two parts, so that this file does not hold what it looks for.
UNWELCOME = ["/wo" + "rk/", "pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "deb.debian" + ".org"]


@cache
def graph() -> grimp.ImportGraph:
    """Who imports whom, libraries included; imports for the type checker alone are none."""
    ours = [*FUNCTIONS, "runtime", "deploy"]
    return grimp.build_graph(*ours, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None)


def within(package: str) -> set[str]:
    """A package and all that is in it."""
    return {package, *graph().find_descendants(package)}


def reached(package: str) -> set[str]:
    """Everything that the modules of a package import, however indirectly."""
    return set().union(*(graph().find_upstream_modules(module) for module in within(package)))


# Each file.


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_source_file_has_its_test_at_the_same_place(source: Path) -> None:
    mirrored = source.parent if source.name == "__init__.py" else source
    test = mirrored.with_name(f"test_{mirrored.stem.strip('_')}.py")
    found = [kind for kind in ("unit", "contract") if (ROOT / "tests" / kind / test).is_file()]
    assert bool(found) != (source in WITHOUT_TEST), f"neither tests/unit/{test} nor tests/contract/{test}"


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_module_says_first_what_it_does(source: Path) -> None:
    first, *_ = (ast.get_docstring(ast.parse((ROOT / source).read_text())) or "").splitlines() or [""]
    assert 0 < len(first) <= LONGEST_LINE


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_file_and_no_function_is_longer_than_one_can_read_at_once(source: Path) -> None:
    text = (ROOT / source).read_text()
    assert text.count("\n") <= LONGEST_FILE
    assert [name for name, lines in functions(text) if lines > LONGEST_FUNCTION] == []


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Each function and how many lines it has, signature and docstring included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_file_names_a_place_that_is_not_the_projects() -> None:
    assert [(str(path), word) for path in texts() for word in UNWELCOME if word in (ROOT / path).read_text()] == []


def texts() -> Iterator[Path]:
    """Every file of the project that is text; what tools leave behind is in folders that begin with a dot."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or not name.startswith((".", "__"))]
        for name in names:
            path = Path(folder, name)
            if b"\0" not in path.read_bytes():
                yield path.relative_to(ROOT)


# The arrows.


def test_the_graph_holds_every_source_file() -> None:
    modules = {".".join(source.with_suffix("").parts).removesuffix(".__init__") for source in SOURCES}
    assert modules <= graph().modules


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_no_other_function(function: str) -> None:
    others = set().union(*(within(other) for other in FUNCTIONS if other != function))
    assert reached(function) & others == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_nothing_of_the_deployment(function: str) -> None:
    assert reached(function) & within("deploy") == set()


def test_the_runtime_imports_no_function_and_nothing_of_the_deployment() -> None:
    assert reached("runtime") & set().union(*map(within, [*FUNCTIONS, "deploy"])) == set()


def test_every_room_of_the_runtime_has_one_floor() -> None:
    standing = sorted(map(room, graph().find_children("runtime")))
    assert sorted(each for floor in FLOORS for each in floor) == standing


def room(module: str) -> str:
    """Where in the runtime a module is: a room, or its own name."""
    return module.split(".")[1]


def test_in_the_runtime_arrows_go_down_the_floors() -> None:
    below = {each: {each}.union(*FLOORS[:number]) for number, floor in enumerate(FLOORS) for each in floor}
    inside = graph().find_descendants("runtime")
    arrows = [(each, other) for each in inside for other in graph().find_modules_directly_imported_by(each) & inside]
    assert arrows
    assert sorted((each, other) for each, other in arrows if room(other) not in below[room(each)]) == []


def test_the_gateway_has_no_database() -> None:
    assert reached("functions.gateway") & within("runtime.database") == set()


def test_the_gateway_starts_without_a_web_framework() -> None:
    assert "litestar" not in reached("functions.gateway")


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_does_no_io(module: str) -> None:
    assert graph().find_upstream_modules(module) & DOES_IO == set()


@pytest.mark.parametrize("module", CONCRETE)
def test_what_is_concrete_is_chosen_where_things_are_composed(module: str) -> None:
    assert {"functions.gateway.app"} <= graph().find_modules_that_directly_import(module) <= ROOTS


# What is declared.


def test_every_route_of_the_shipped_functions_has_a_policy_within_the_ceilings() -> None:
    manifests = read_all(ROOT / "functions")
    assert {f"functions.{manifest.name}" for manifest in manifests if manifest.app} == set(FUNCTIONS)
    routes = compile_routes(manifests)
    assert routes
    assert [route.template for route in routes if not route.policy.auth] == []
    assert [
        (route.template, name)
        for route in routes
        for name, ceiling in CEILINGS.items()
        if not 0 <= (getattr(route.policy, name) or 0) <= ceiling
    ] == []
