from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.short import LONGEST, short, shown

WORDS = st.integers(0, 3 * LONGEST).flatmap(
    lambda size: st.sampled_from([b"a", b"b", b"ab"]).map(lambda word: word * size)
)


@given(WORDS, WORDS)
def test_what_is_short_stands_as_it_is_and_nothing_else_is_long_or_the_same(one: bytes, other: bytes) -> None:
    assert len(short(one)) <= LONGEST
    assert (short(one) == one) == (len(one) <= LONGEST)
    assert (short(one) == short(other)) == (one == other)
    assert short(short(one)) == short(one)


def test_the_short_form_of_one_text_is_not_another_text_that_may_come() -> None:
    assert b"\0" in short(b"a" * (LONGEST + 1))


def test_a_person_sees_where_it_was_made_short() -> None:
    assert shown(short(b"/a" * LONGEST)).startswith("/a/a/a")
    assert "…" in shown(short(b"/a" * LONGEST))
