"""runtime/database/ids.py: UUID version 7 that only grows."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from runtime.database.ids import Generator, uuid7
from runtime.instant import now_ms


def scripted(moments: Sequence[int]) -> Callable[[], int]:
    rest = iter(moments)
    return lambda: next(rest)


def highest(bits: int) -> int:
    return (1 << bits) - 1


def test_an_id_is_canonical_text_of_version_7_with_the_variant_of_the_rfc() -> None:
    text = uuid7()
    assert str(UUID(text)) == text
    assert (UUID(text).version, UUID(text).variant) == (7, RFC_4122)


def test_an_id_begins_with_the_millisecond_of_its_making() -> None:
    before = now_ms()
    assert before <= UUID(uuid7()).int >> 80 <= now_ms()


def test_the_example_of_the_rfc_comes_out() -> None:
    """RFC 9562, appendix A.6; its rand_a is past where our counter starts, so we count up to it."""
    random = {11: 0x4C3, 62: 0x18C4DC0C0C07398F}
    make = Generator(lambda: 0x017F22E279B0, random.__getitem__)
    ids = [make() for _ in range(0x800 + 1)]
    assert ids[-1] == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(st.lists(st.integers(0, 3), min_size=2, max_size=50))
def test_ids_grow_whatever_the_clock_does(moments: list[int]) -> None:
    make = Generator(scripted([1_000_000 + moment for moment in moments]))
    ids = [make() for _ in moments]
    assert ids == sorted(set(ids))


def test_a_full_counter_borrows_from_the_next_millisecond() -> None:
    make = Generator(lambda: 1_000_000, highest)
    ids = [make() for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert UUID(ids[-1]).int >> 80 == 1_000_001


def test_threads_never_share_an_id() -> None:
    make = Generator()
    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(lambda _: make(), range(4000)))
    assert len(set(ids)) == 4000
