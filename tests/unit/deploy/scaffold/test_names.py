"""What a new function may be called."""

from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from deploy.engine import Refusal
from deploy.scaffold.names import check

ROOT = Path(__file__).parents[4]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with the shipped functions, and none of anybody's own."""
    for name in ("gateway", "users", "orders"):
        copytree(ROOT / "functions" / name, tmp_path / "functions" / name, ignore=ignore_patterns("*.py"))
    return tmp_path


@pytest.mark.parametrize("name", ["payments", "a1", "invoices2026"])
def test_a_plain_word_is_a_name(checkout: Path, name: str) -> None:
    check(checkout, name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "lower-case"),
        ("Payments", "lower-case"),
        ("gift-cards", "lower-case"),
        ("../escape", "lower-case"),
        ("9lives", "lower-case"),
        ("a\n", "lower-case"),
        ("x" * 21, "lower-case"),
        ("class", "word of Python"),
        ("match", "word of Python"),
        ("redis", "service of that name"),
        ("gateway", "service of that name"),
        ("docs", "answers /docs itself"),
        ("users", "already, in functions/users"),
        ("products", "orders has GET /products"),
    ],
)
def test_a_name_that_can_not_be_had_is_refused_with_the_reason(checkout: Path, name: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        check(checkout, name)
