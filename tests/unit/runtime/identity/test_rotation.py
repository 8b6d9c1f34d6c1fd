"""runtime/identity/rotation.py: names of keys and a moment -> who signs, who is believed."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.identity.rotation import begins, believed, called, signing

NOW = 1_800_000_000.0
LIFETIME = 900.0

moments = st.integers(0, 4_000_000_000)
kids = st.lists(
    moments.map(called) | st.text("abcXYZ-_09", min_size=1, max_size=8), min_size=1, max_size=6, unique=True
)


def test_a_key_is_called_by_the_moment_from_which_it_signs() -> None:
    assert called(NOW) == "20270115T080000Z"
    assert begins(called(NOW)) == NOW
    assert begins("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k") < 0


def test_the_next_one_is_believed_before_it_signs_and_the_last_one_while_its_tokens_live() -> None:
    old, new = "old", called(NOW)
    assert signing([old, new], NOW - 1) == old
    assert signing([old, new], NOW) == new
    assert believed([new, old], NOW - 1, LIFETIME) == [old, new]
    assert believed([new, old], NOW + LIFETIME - 1, LIFETIME) == [old, new]
    assert believed([new, old], NOW + LIFETIME, LIFETIME) == [new]


def test_a_key_from_the_future_signs_when_there_is_no_other() -> None:
    assert signing([called(NOW + 60)], NOW) == called(NOW + 60)


@given(kids, moments)
def test_whoever_signs_is_believed_and_was_for_a_token_that_lives(names: list[str], now: int) -> None:
    assert signing(names, now) in believed(names, now, LIFETIME)
    for ago in (0.0, 1.0, LIFETIME - 1):
        assert signing(names, now - ago) in believed(names, now, LIFETIME)
