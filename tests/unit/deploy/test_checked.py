from pathlib import Path

import pytest

from deploy.checked import check
from deploy.engine import Refusal

GOOD = """
name = "{name}"
[app]
module = "x"
[defaults]
auth = "public"
[[route]]
match = "GET /{name}"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("orders", "users"):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "function.toml").write_text(GOOD.format(name=name))
        (folder / "app.py").write_text("a = 1\n")
    return tmp_path


def refused(root: Path) -> str:
    with pytest.raises(Refusal) as refusal:
        check(root)
    return str(refusal.value)


def test_a_checkout_that_can_be_served_passes(root: Path) -> None:
    check(root)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('dedline = "5s"', "dedline"),
        ('deadline = "60s"', "deadline is above the gateway's ceiling"),
        ('[[route]]\nmatch = "GET /users"', "GET /users"),
        ("match = 1", "TOML"),
    ],
)
def test_a_fault_of_a_manifest_is_told_with_its_file_and_key(root: Path, more: str, told: str) -> None:
    with (root / "functions/users/function.toml").open("a") as file:
        file.write(f"{more}\n")
    said = refused(root)
    assert "nothing was changed" in said
    assert "functions/users/function.toml" in said
    assert told in said
    assert str(root) not in said


def test_a_route_that_two_have_is_told(root: Path) -> None:
    with (root / "functions/users/function.toml").open("a") as file:
        file.write('[[route]]\nmatch = "GET /orders"\n')
    assert "functions/users/function.toml:10: route[1].match: route GET /orders: orders has GET /orders" in refused(
        root
    )


def test_what_is_no_python_is_told_by_file_and_line_whatever_else_is_wrong(root: Path) -> None:
    (root / "functions/orders/app.py").write_text("a = 1\ndef (\n")
    (root / "functions/users/app.py").write_bytes(b"a = 1\0")
    (root / "functions/users/function.toml").write_text("=")
    said = refused(root)
    assert "functions/orders/app.py:2: " in said
    assert "functions/users/app.py" in said
    assert "functions/users/function.toml" in said
