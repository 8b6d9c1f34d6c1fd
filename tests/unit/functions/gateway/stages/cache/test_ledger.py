"""No fill that began before an invalidation is ever taken for a later one, however little the ledger may keep."""

from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.ledger import Ledger

NAMES = st.sampled_from([b"a", b"b", b"c", b"d"])


def test_what_began_before_an_invalidation_is_of_before() -> None:
    ledger = Ledger()
    began = ledger.now
    ledger.note([b"a"])
    assert ledger.since(began, [b"a", b"b"])
    assert not ledger.since(began, [b"b"])
    assert not ledger.since(ledger.now, [b"a"])


def test_after_a_gap_everything_that_began_before_counts_as_invalidated() -> None:
    ledger = Ledger()
    began = ledger.now
    ledger.forget()
    assert ledger.since(began, [b"a"])
    assert not ledger.since(ledger.now, [b"a"])


@given(st.lists(st.lists(NAMES, min_size=1, max_size=2), max_size=20), NAMES, st.integers(1, 4))
def test_a_short_memory_only_ever_errs_to_the_safe_side(history: list[list[bytes]], name: bytes, most: int) -> None:
    ledger = Ledger(most)
    begun = [ledger.now]
    for names in history:
        ledger.note(names)
        begun.append(ledger.now)
    for number, began in enumerate(begun):
        invalidated = any(name in names for names in history[number:])
        assert ledger.since(began, [name]) >= invalidated
    assert not ledger.since(ledger.now, [name])
