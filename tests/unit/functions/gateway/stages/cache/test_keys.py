from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.invalidation import Invalidation
from functions.gateway.stages.cache.keys import Normal, counting, key, names, plain, tags
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


def test_a_group_has_a_short_name_however_long_it_is_and_no_two_have_one() -> None:
    long, other = (names("users", Invalidation(groups=("x" * 30_000 + end,))) for end in "ab")
    assert len(long[0]) < 250
    assert long != other
    assert long == tags("users", held(f'Cache-Groups: "{"x" * 30_000}a"'))


def test_an_invalidation_names_keys_and_tags() -> None:
    found = names("users", Invalidation((b"/%61",), ("one",)))
    assert found == [key("users", b"/a"), *tags("users", held('Cache-Groups: "one"'))]


@pytest.mark.parametrize("target", [b"/a?", b"/a?&", b"/a?&&", b"/a?&&&&"])
@pytest.mark.parametrize("normal", [plain, counting(["b"], ()), counting(None, ["utm"])])
def test_a_query_of_nothing_is_none(normal: Normal, target: bytes) -> None:
    assert normal(target) == b"/a"


@pytest.mark.parametrize("target", [b"/a?b&", b"/a?&b", b"/a?&&b&&"])
@pytest.mark.parametrize("normal", [plain, counting(["b"], ()), counting(None, ["utm"])])
def test_where_no_parameter_is_makes_no_difference(normal: Normal, target: bytes) -> None:
    assert normal(target) == b"/a?b"


@pytest.mark.parametrize("pair", [(b"/a?b", b"/a?b="), (b"/a?b=1&c", b"/a?c&b=1"), (b"/a?b=+", b"/a?b=%20")])
def test_what_a_function_may_tell_apart_counts_apart(pair: tuple[bytes, bytes]) -> None:
    assert plain(pair[0]) != plain(pair[1])


def test_the_same_target_in_ever_more_words_is_one_key() -> None:
    assert {key("f", plain(b"/a?b" + b"&" * times)) for times in range(2000)} == {b"f /a?b"}


def test_a_key_is_never_long() -> None:
    targets = [b"/a?" + b"b" * size for size in range(5000)]
    assert len({key("f", target) for target in targets}) == len(targets)
    assert max(len(key("f", target)) for target in targets) <= 202


PARAMETERS = st.lists(
    st.sampled_from(
        ["", "a", "b", "a=1", "a=2", "b=1", "%61=1", "c=%7e", "c=~", "utm=x", "%75tm=y", "a=%2B", "a=%2b", "c="]
    ),
    max_size=6,
)
PATHS = st.sampled_from(["/a", "/%61", "/a%2F", "/a%2f"])
TARGETS = st.builds(lambda path, query: (f"{path}?{'&'.join(query)}" if query else path).encode(), PATHS, PARAMETERS)


def meaning(target: bytes) -> tuple[object, ...]:
    """What a function that reads parameters is told, by a reader that is not ours; an escaped slash is none."""
    path, _, query = target.partition(b"?")
    read = parse_qsl(query.replace(b"+", b"%2B"), keep_blank_values=True)
    stated = [b"=" in part for part in query.split(b"&") if part]
    slashed = path.upper().count(b"%2F")
    return unquote_to_bytes(path), slashed, read, stated


@given(TARGETS, TARGETS)
def test_targets_count_as_one_where_they_say_the_same_and_nowhere_else(one: bytes, other: bytes) -> None:
    assert (plain(one) == plain(other)) == (meaning(one) == meaning(other))
    assert plain(plain(one)) == plain(one)


@given(TARGETS)
def test_a_function_is_told_what_counts_and_nothing_that_does_not(target: bytes) -> None:
    kept = [pair for pair in meaning(target)[2] if pair[0] in {b"a", b"b"}]  # type: ignore[attr-defined]  # a list of pairs
    told = meaning(counting(["a", "b"], ())(target))[2]
    assert told == sorted(kept, key=lambda pair: pair[0])
    left = [pair for pair in meaning(target)[2] if pair[0] != b"utm"]  # type: ignore[attr-defined]  # a list of pairs
    assert meaning(counting(None, ["utm"])(target))[2] == sorted(left, key=lambda pair: pair[0])


def test_an_invalidation_is_about_what_the_target_counts_as_on_every_route() -> None:
    normals = [counting(["size"], ()), counting(None, ["utm"])]
    found = names("users", Invalidation((b"/a?utm=x&size=2&b&",)), normals)
    assert found == [b"users /a?utm=x&size=2&b", b"users /a?size=2", b"users /a?b&size=2"]
