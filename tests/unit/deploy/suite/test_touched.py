"""deploy/suite/touched.py: a change calls for the tests of its name or place, and for those that import it."""

import shutil
import subprocess
from pathlib import Path

import grimp
import pytest

from deploy.suite.touched import CODE, Called, called, changed

ROOT = Path(__file__).parents[4]
LIMIT = "tests/contract/functions/gateway/stages/limit"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*CODE, "tests", cache_dir=None)


def files(graph: grimp.ImportGraph, *changes: str) -> list[str]:
    return called(ROOT, changes, graph).files


def test_a_module_calls_for_the_test_of_its_name_first_and_then_for_those_that_import_it(
    graph: grimp.ImportGraph,
) -> None:
    first, *others = files(graph, "functions/gateway/stages/limit/redis.py")
    assert first == f"{LIMIT}/test_redis.py"
    assert f"{LIMIT}/test_leases.py" in others


def test_what_reaches_it_by_way_of_others_is_counted(graph: grimp.ImportGraph) -> None:
    found = called(ROOT, ["functions/gateway/stages/limit/bucket.py"], graph)
    assert found.further > 0
    assert "tests/contract/functions/gateway/test_edge.py" not in found.files


@pytest.mark.parametrize(
    ("change", "folder"),
    [
        ("nginx/nginx.conf", "tests/contract/nginx/"),
        ("functions/orders/schema/0001_products.sql", "tests/contract/functions/orders/"),
        ("tests/contract/far/conftest.py", "tests/contract/far/"),
    ],
)
def test_a_file_that_is_no_module_calls_for_the_tests_of_its_place(
    graph: grimp.ImportGraph, change: str, folder: str
) -> None:
    found = files(graph, change)
    assert found
    assert all(file.startswith(folder) for file in found)


def test_a_test_calls_for_itself(graph: grimp.ImportGraph) -> None:
    assert files(graph, f"{LIMIT}/test_redis.py") == [f"{LIMIT}/test_redis.py"]


def test_a_page_and_a_test_of_units_call_for_none(graph: grimp.ImportGraph) -> None:
    assert called(ROOT, ["docs/limits.md", "tests/unit/test_house.py"], graph) == Called([], 0)


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run([shutil.which("git") or "git", *who, *words], cwd=root, check=True, capture_output=True)


def test_on_a_branch_all_that_differs_from_main_has_changed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-b", "main")
    for name in ("kept", "edited", "removed"):
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "switch", "-c", "branch")
    (tmp_path / "edited").write_text("otherwise")
    (tmp_path / "removed").unlink()
    git(tmp_path, "commit", "-am", "second")
    (tmp_path / "new").touch()
    assert changed(tmp_path) == ["edited", "new"]
    git(tmp_path, "switch", "main")
    assert changed(tmp_path) == ["new"]


def test_where_there_is_no_history_nothing_has_changed(tmp_path: Path) -> None:
    assert changed(tmp_path) == []
