"""functions/orders/dependencies.py: what a path names is there, or not found."""

import pytest

from functions.orders.dependencies import existing, named
from functions.orders.model import Id, Sku
from runtime.http.problem import Problem


def test_what_can_be_a_name_is_looked_up() -> None:
    assert named(Sku, "mug") == "mug"


@pytest.mark.parametrize(("kind", "text"), [(Sku, "a b"), (Sku, "\0"), (Id, "mug"), (Id, "")])
def test_what_can_not_be_a_name_is_not_found(kind: object, text: str) -> None:
    with pytest.raises(Problem, match="not-found"):
        named(kind, text)


def test_what_is_not_there_is_not_found() -> None:
    assert existing(0) == 0
    with pytest.raises(Problem, match="not-found"):
        existing(None)
