import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.selection import LONGEST, MOST, nominated, selecting
from tests.unit.functions.gateway.stages.cache.heads import head

HOST = b"portico.test"


def same(name: str, one: list[str], other: list[str]) -> bool:
    names = (name.lower().encode(),)
    first, second = ([f"{name}: {value}" for value in values] for values in (one, other))
    return selecting(names, HOST, head(*first)) == selecting(names, HOST, head(*second))


def test_more_names_than_anybody_looks_for_are_as_a_star() -> None:
    names = [f"x{number:02d}" for number in range(MOST + 1)]
    assert len(nominated(head(f"Vary: {', '.join(names[1:])}, X01")) or ()) == MOST
    assert nominated(head(f"Vary: {', '.join(names)}")) is None


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([], ()),
        (["Vary: Foo, bar"], (b"bar", b"foo")),
        (["Vary: Foo", "Vary: BAR, foo"], (b"bar", b"foo")),
        (["Vary: *"], None),
        (["Vary: , *"], None),
        (["Vary:", "Vary: *"], None),
        (["Vary: Foo, *"], None),
        (["Vary: *, *"], None),
    ],
)
def test_what_vary_nominates(lines: list[str], names: tuple[bytes, ...] | None) -> None:
    assert nominated(head(*lines)) == names


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("Foo", ["1, 2"], ["1", "2"]),
        ("Accept", ["a ; ; b = c", "d"], ["D,a;;b=c"]),
        ("Foo", ["1,2"], [" 1, 2 "]),
        ("Accept-Language", ["en, de"], ["de, en"]),
        ("Accept-Language", ["en, de"], ["eN ,  De"]),
        ("Accept-Language", ["en;q=0.5, de"], ["de; q=1.0, en ; q=0.5"]),
        ("Accept-Encoding", ["gzip, br;q=1"], ["BR,gzip"]),
        ("Foo", [], []),
    ],
)
def test_the_same_in_other_words_selects_the_same(name: str, one: list[str], other: list[str]) -> None:
    assert same(name, one, other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("Foo", ["1"], ["2"]),
        ("Foo", ["1"], []),
        ("Foo", [""], []),
        ("Foo", ["a, b"], ["b, a"]),
        ("Foo", ["a"], ["A"]),
        ("Foo", ['"a, b"'], ['"a,b"']),
        ("Accept-Language", ["en;q=0.5, de"], ["en, de"]),
        ("Accept-Language", ["en, de"], ["de"]),
        ("Authorization", ["Bearer a"], ["Bearer A"]),
        ("Cookie", ["a=1,b"], ["a=1, b"]),
    ],
)
def test_what_differs_selects_another(name: str, one: list[str], other: list[str]) -> None:
    assert not same(name, one, other)


def test_each_host_has_its_own() -> None:
    assert selecting((), b"a", []) != selecting((), b"b", [])
    assert selecting((b"foo",), b"a", []) != selecting((b"foo",), b"b", [])


VALUE = st.text(alphabet="ab", min_size=1, max_size=3)


@given(one=st.tuples(VALUE, VALUE), other=st.tuples(VALUE, VALUE))
def test_values_never_run_into_each_other(one: tuple[str, str], other: tuple[str, str]) -> None:
    names = (b"bar", b"foo")
    first, second = (selecting(names, HOST, head(f"Foo: {a}", f"Bar: {b}")) for a, b in (one, other))
    assert (first == second) == (one == other)


@given(one=st.text("ab", max_size=400), other=st.text("ab", max_size=400))
def test_what_selects_is_never_long_and_no_two_of_it_are_one(one: str, other: str) -> None:
    first, second = (selecting((b"foo",), HOST, head(f"Foo: {value}")) for value in (one, other))
    assert (first == second) == (one == other)
    assert len(first) <= len(HOST) + 201


@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "Foo"])
def test_a_field_that_is_longer_than_anybody_means_selects_by_each_of_its_bytes(name: str) -> None:
    short, long = "x" * (LONGEST - 4), "x" * LONGEST
    assert same(name, [f"{short}, a"], [f"{short} ,a"])
    assert same(name, [f"{long}, a"], [f"{long}, a"])
    assert not same(name, [f"{long}, a"], [f"{long} ,a"])
