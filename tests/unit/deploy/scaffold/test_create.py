"""A function from its templates: which files it has, and that taking it away leaves nothing."""

from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.scaffold import create
from functions.gateway.routes import compile_routes
from runtime.http.url import Url
from runtime.manifest import Manifest, run_here

ROOT = Path(__file__).parents[4]
VIEW = "compose.override.yml"
INCLUDES = """include:
  - project_directory: .
    path:
      - deploy/docker/stack.yml
      - functions/users/compose.yml
      - functions/orders/compose.yml
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with the shipped manifests and an include list."""
    (tmp_path / "docker-compose.yml").write_text(INCLUDES)
    (tmp_path / VIEW).write_bytes((ROOT / VIEW).read_bytes())
    for name in ("gateway", "users", "orders"):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "function.toml").write_bytes((ROOT / "functions" / name / "function.toml").read_bytes())
    return tmp_path


def files(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stateless", [False, True])
def test_what_is_made_is_whole_and_holds_no_placeholder(checkout: Path, *, stateless: bool) -> None:
    made = create.new(checkout, "payments", stateless=stateless)
    assert Manifest.read(checkout / "functions/payments").name == "payments"
    assert (Path("functions/payments/store.py") in made) != stateless
    assert all(b"{{" not in (checkout / file).read_bytes().replace(b"{{item_id", b"") for file in made)


@pytest.mark.parametrize("stateless", [False, True])
def test_what_was_made_is_taken_away_without_a_trace(checkout: Path, *, stateless: bool) -> None:
    before = files(checkout)
    create.new(checkout, "payments", stateless=stateless)
    create.remove(checkout, "payments")
    assert files(checkout) == before


def test_a_service_of_others_has_a_manifest_and_a_way_to_it_and_leaves_no_trace(checkout: Path) -> None:
    before = files(checkout)
    made = create.upstream(checkout, "legacy", Url.parse("https://legacy.example"))
    manifest = Manifest.read(checkout / "functions/legacy")
    assert manifest.upstream is not None
    assert str(manifest.upstream.url) == "https://legacy.example"
    assert {route.path for route in compile_routes([manifest])} == {"/legacy", "/legacy/{path...}"}
    assert [str(file) for file in made] == ["functions/legacy/compose.yml", "functions/legacy/function.toml"]
    assert run_here(checkout / "functions") == ["gateway", "orders", "users"]
    create.remove(checkout, "legacy")
    assert files(checkout) == before


def test_it_is_included_behind_the_others(checkout: Path) -> None:
    create.new(checkout, "payments", stateless=True)
    included = (checkout / "docker-compose.yml").read_text().splitlines()
    assert included[-2:] == ["      - functions/orders/compose.yml", "      - functions/payments/compose.yml"]


def test_in_the_developers_view_it_looks_like_the_others(checkout: Path) -> None:
    create.new(checkout, "payments", stateless=True)
    text = (checkout / VIEW).read_text()
    of_payments, of_users = (text.split(f"\n  {name}:\n")[1].split("\n\n")[0] for name in ("payments", "users"))
    assert of_payments == of_users.replace("users", "payments")


@pytest.mark.parametrize(("name", "reason"), [("gateway", "stand behind"), ("payments", "there are gateway, orders")])
def test_what_can_not_be_removed_is_left_alone(checkout: Path, name: str, reason: str) -> None:
    before = files(checkout)
    with pytest.raises(Refusal, match=reason):
        create.remove(checkout, name)
    assert files(checkout) == before
