import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.cache.invalidate import invalidate
from functions.gateway.stages.cache.keys import counting
from functions.gateway.stages.cache.levels import Began, Levels
from tests.exchanges import Below, exchange
from tests.unit.functions.gateway.stages.cache.heads import head, held

HERE = b"things /things/1"
FIELDS = head("Host: portico.test")


@pytest.fixture
def levels() -> Levels:
    made = Levels(100_000)
    for key in (HERE, b"things /things/2", b"users /things/1"):
        made.keep(
            key.split()[0].decode(), key, held("Cache-Control: max-age=60", 'Cache-Groups: "one"'), Began(made.now)
        )
    return made


def left(levels: Levels) -> set[bytes]:
    return {key for key in (HERE, b"things /things/2", b"users /things/1") if levels.held(key)}


async def test_a_change_takes_its_target_out_of_the_cache(levels: Levels) -> None:
    await invalidate(levels, "things")(Below(204))(exchange(b"PUT", headers=FIELDS))
    assert left(levels) == {b"things /things/2", b"users /things/1"}


async def test_a_change_that_failed_changes_nothing(levels: Levels) -> None:
    await invalidate(levels, "things")(Below(409))(exchange(b"PUT", headers=FIELDS))
    assert len(left(levels)) == 3


async def test_rfc9875_3_a_change_takes_groups_of_its_own_function_out(levels: Levels) -> None:
    async def grouped(_: object) -> Response:
        return Response(204, head('Cache-Group-Invalidation: "one"'))

    await invalidate(levels, "things")(grouped)(exchange(b"POST", b"/other", headers=FIELDS))
    assert left(levels) == {b"users /things/1"}


async def test_a_change_without_an_answer_may_have_happened(levels: Levels) -> None:
    with pytest.raises(OSError, match="gone"):
        await invalidate(levels, "things")(Below(OSError("gone")))(exchange(b"PUT", headers=FIELDS))
    assert HERE not in left(levels)


async def test_a_change_takes_its_target_out_as_each_route_counts_it(levels: Levels) -> None:
    stage = invalidate(levels, "things", [counting([], ())])
    await stage(Below(204))(exchange(b"PUT", b"/things/1?from=page", headers=FIELDS))
    assert HERE not in left(levels)
