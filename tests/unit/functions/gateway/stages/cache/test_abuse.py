"""What is counted is all that is held: whatever clients send, a shelf takes no more memory than it is given."""

import gc
import tracemalloc
from collections.abc import Collection

import msgspec
import pytest

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.keys import tags
from functions.gateway.stages.cache.shelf import Shelf
from tests.unit.functions.gateway.stages.cache.abuse import ABUSES, answers

MOST = 300_000


def grown(shelf: Shelf, abuse: str) -> int:
    """By how many bytes memory grows while answers come, as level two has them."""
    told = [(key, msgspec.msgpack.encode(stored)) for key, stored in answers(abuse, 600)]
    gc.collect()
    tracemalloc.start()
    try:
        for key, text in told:
            came = msgspec.msgpack.decode(text, type=Stored)
            shelf.put(key, came, tags("things", came))
        came = None  # type: ignore[assignment]  # it may have left the shelf
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("abuse", ABUSES)
def test_a_shelf_takes_no_more_memory_than_it_counts_and_counts_no_more_than_it_may(abuse: str) -> None:
    shelf = Shelf(MOST)
    assert grown(shelf, abuse) <= MOST
    assert MOST / 2 < shelf.bytes <= MOST
    assert shelf.evicted


class CountsContentOnly(Shelf):
    """As it was: what clients send was not counted."""

    def put(self, key: bytes, stored: Stored, tags: Collection[bytes]) -> None:
        super().put(key, stored, tags)
        self.bytes = sum(len(one.body) for target in self._targets.values() for one in target.stored)


def test_a_shelf_that_counts_less_is_found_out() -> None:
    assert grown(CountsContentOnly(MOST), "fields that select") > MOST
