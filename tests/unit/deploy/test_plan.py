import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.plan import Plan, functions, plan

NAMES = st.sets(st.sampled_from(["a", "b", "c", "d", "gateway"]))


@pytest.mark.parametrize(
    ("wanted", "running", "changed", "resting", "planned"),
    [
        ("gateway a b", "gateway a b", "", "", Plan()),
        ("gateway a b", "gateway a", "gateway", "", Plan(added=("b",), changed=("gateway",))),
        ("gateway a", "gateway a b", "gateway", "", Plan(changed=("gateway",), removed=("b",))),
        ("gateway z a", "gateway a z", "gateway z a", "", Plan(changed=("a", "z", "gateway"))),
        ("gateway a b", "gateway a", "b", "b", Plan(changed=("b",))),  # scaled to none: it stays so
        ("gateway a b", "gateway a", "", "b", Plan()),
        ("gateway a", "a", "gateway", "", Plan(changed=("gateway",))),  # whose gateways were all stopped
    ],
)
def test_what_comes_what_is_replaced_and_what_goes(
    wanted: str, running: str, changed: str, resting: str, planned: Plan
) -> None:
    assert plan(wanted.split(), running.split(), changed.split(), resting.split()) == planned


@given(NAMES, NAMES, NAMES)
def test_every_function_is_in_one_of_the_three_or_is_left_alone(
    wanted: set[str], running: set[str], changed: set[str]
) -> None:
    found = plan(wanted, running, changed, ())
    assert {*found.removed} == running - wanted
    assert {*found.added} == wanted - running - {"gateway"}
    assert {*found.changed} == wanted & changed & {*running, "gateway"}
    assert "gateway" not in found.changed[:-1]


def test_gateways_are_replaced_apart_from_the_others() -> None:
    both = Plan(added=("new",), changed=("a", "gateway"))
    assert (both.replaced, both.replaces_gateways, both.tried) == (["a"], True, ["new", "a", "gateway"])
    assert not Plan(changed=("a",)).replaces_gateways


def test_a_plan_says_in_words_what_it_comes_to() -> None:
    assert str(Plan(("a", "b"), ("c",), ("d",))) == "added a, b; replaced c; removed d"
    assert (str(Plan(mended=True)), bool(Plan(mended=True)), bool(Plan())) == ("", True, False)


def test_only_what_has_a_number_is_an_instance() -> None:
    assert functions(["orders-1", "orders-12", "two-words-3", "redis", "redis-cache", "nginx"]) == {
        "orders",
        "two-words",
    }
