from functions.gateway.stages.cache.levels import Levels
from tests.unit.functions.gateway.stages.cache.heads import held

STORED = held("Cache-Control: max-age=60", 'Cache-Groups: "one"')


async def test_what_is_kept_is_held_until_its_group_is_invalidated() -> None:
    levels = Levels(10_000)
    levels.keep("things", b"things /1", STORED, levels.now)
    assert levels.held(b"things /1") == (STORED,)
    await levels.invalidate([b"users group one"])
    assert levels.held(b"things /1") == (STORED,)
    await levels.invalidate([b"things group one"])
    assert levels.held(b"things /1") == ()


async def test_what_began_before_an_invalidation_is_not_kept() -> None:
    levels = Levels(10_000)
    began = levels.now
    await levels.invalidate([b"things group one"])
    levels.keep("things", b"things /1", STORED, began)
    assert levels.held(b"things /1") == ()


def test_what_is_outdated_goes() -> None:
    levels = Levels(10_000)
    levels.keep("things", b"things /1", STORED, levels.now)
    levels.drop(b"things /1", [STORED])
    assert levels.held(b"things /1") == ()
