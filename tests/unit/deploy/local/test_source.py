from pathlib import Path

import pytest

from deploy.local.source import digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in (
        "runtime/http/api.py",
        "functions/users/app.py",
        "functions/users/function.toml",
        "functions/gateway/app.py",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    return tmp_path


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("runtime/http/api.py", {"users", "gateway"}),
        ("functions/users/app.py", {"users"}),
        ("functions/users/function.toml", {"users"}),
        ("functions/users/page.html", {"users"}),
        ("functions/users/.app.py.swp", set()),
        ("functions/users/new.py", {"users"}),
        ("README.md", set()),
    ],
)
def test_an_edit_changes_those_it_concerns(root: Path, edited: str, changes: set[str]) -> None:
    before = {name: digest(root, name) for name in ("users", "gateway")}
    (root / edited).write_text("edited")
    assert {name for name in before if digest(root, name) != before[name]} == changes


def test_a_file_that_moves_changes_it(root: Path) -> None:
    before = digest(root, "users")
    (root / "functions/users/app.py").rename(root / "functions/users/main.py")
    assert digest(root, "users") != before


@pytest.mark.parametrize(
    ("manifest", "changes"),
    [
        ('name = "users"\n[app]\nmodule = "a"\n[[route]]\nmatch = "GET /a"', False),
        ('name = "users"\n[defaults]\nbody = "1KiB"\n[app]\nmodule = "a"', False),
        ('name = "users"\n[app]\nmodule = "b"', True),
        ('name = "users"\nsmoke = "/a"\n[app]\nmodule = "a"', True),
        ('name = "users', True),
    ],
)
def test_of_a_manifest_counts_what_an_instance_reads(root: Path, manifest: str, changes: bool) -> None:  # noqa: FBT001
    (root / "functions/users/function.toml").write_text('name = "users"\n[app]\nmodule = "a"')
    before = digest(root, "users")
    (root / "functions/users/function.toml").write_text(manifest)
    assert (digest(root, "users") != before) is changes
