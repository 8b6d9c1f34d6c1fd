import pytest

from functions.gateway.stages.cache.invalidation import Invalidation
from functions.gateway.stages.cache.keys import counting, key, names, plain, tags
from tests.unit.functions.gateway.stages.cache.heads import held


@pytest.mark.parametrize(
    ("target", "counts"),
    [
        (b"/a", b"/a"),
        (b"/%61%2f%2F", b"/a%2F%2F"),
        (b"/a?b=%7e", b"/a?b=~"),
        (b"/%zz%", b"/%zz%"),
    ],
)
def test_rfc3986_6_2_2_escapes_count_in_one_spelling(target: bytes, counts: bytes) -> None:
    assert plain(target) == counts


@pytest.mark.parametrize(
    ("target", "counts"),
    [
        (b"/a?b=2&a=1&utm=x", b"/a?a=1&b=2"),
        (b"/a?a=2&a=1", b"/a?a=2&a=1"),
        (b"/a?utm=x", b"/a"),
        (b"/a?", b"/a"),
        (b"/a?%61=1", b"/a?a=1"),
        (b"/a?a", b"/a?a"),
    ],
)
def test_only_parameters_that_are_kept_count_whatever_their_order(target: bytes, counts: bytes) -> None:
    assert counting(["a", "b"], ())(target) == counts


def test_parameters_that_are_dropped_do_not_count() -> None:
    assert counting(None, ["utm"])(b"/a?c=3&utm=x&a=1") == b"/a?a=1&c=3"


def test_without_rules_the_query_counts_as_it_is() -> None:
    assert counting(None, ())(b"/a?b=2&a=1") == b"/a?b=2&a=1"


def test_rfc9875_groups_of_two_functions_are_two() -> None:
    stored = held('Cache-Groups: "one"')
    assert set(tags("users", stored)).isdisjoint(tags("orders", stored))


def test_an_invalidation_names_keys_and_tags() -> None:
    found = names("users", Invalidation((b"/%61",), ("one",)))
    assert found == [key("users", b"/a"), *tags("users", held('Cache-Groups: "one"'))]
