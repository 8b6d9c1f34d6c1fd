"""deploy/local/blocks.py: which sixteen ports are whose."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.engine import MOST_INSTANCES, Refusal
from deploy.local import blocks

NAMES = st.sampled_from(["a", "b", "c", "orders", "users", "z"])
OFFSETS = st.integers(blocks.FIRST + MOST_INSTANCES, 700)


def apart(offsets: dict[str, int]) -> bool:
    """Whether no two have a port in common."""
    return all(after - before >= MOST_INSTANCES for before, after in pairwise(sorted(offsets.values())))


def test_a_function_takes_sixteen_ports_above_the_gateways() -> None:
    assert blocks.assign({}, ["gateway", "orders", "users"]) == {"gateway": 100, "orders": 116, "users": 132}


def test_a_name_that_sorts_earlier_moves_nobody() -> None:
    had = blocks.assign({}, ["gateway", "orders", "users"])
    assert blocks.assign(had, ["gateway", "accounts", "orders", "users"]) == {**had, "accounts": 148}


def test_a_port_of_the_front_door_is_in_nobodys_block() -> None:
    given = blocks.assign({}, [f"f{number}" for number in range(20)], avoided=[363, 116])
    assert not {363, 116} & {first + slot for first in given.values() for slot in range(MOST_INSTANCES)}


def test_a_stack_ends_where_its_last_slot_does() -> None:
    three = blocks.assign({}, ["gateway", "orders", "users"])
    assert blocks.span(three) == 148
    assert blocks.highest(three) == 65_535 - 147
    assert blocks.highest({}) == 65_535 - 115


CHANGES = st.lists(st.tuples(st.sampled_from(["add", "remove", "start", "end"]), NAMES), max_size=30)


@given(CHANGES, st.dictionaries(NAMES, OFFSETS, max_size=3).filter(apart), st.sets(st.integers(0, 400), max_size=3))
def test_whatever_comes_goes_and_runs_no_two_share_a_port_and_nobody_moves(
    changes: list[tuple[str, str]], old: dict[str, int], avoided: set[int]
) -> None:
    """`old` is what another rule gave. A verb reads, remembers what it starts, and lets go of what is gone."""
    there, runs = set(old), dict(old)
    with TemporaryDirectory() as name:
        state = Path(name)
        blocks.keep(state, {}, old)
        for what, function in changes:
            there = there | {function} if what == "add" else there - {function} if what == "remove" else there
            before = blocks.read(state)
            offsets = blocks.assign(before, sorted(there), avoided)
            blocks.keep(state, before, {each: offsets[each] for each in there})
            if what == "start" and function in there:
                runs[function] = offsets[function]
            if what == "end":
                runs.pop(function, None)
            blocks.release(state, {*there, *runs})
            now = blocks.read(state)
            assert apart(now)
            assert set(now) == there | set(runs)
            assert all(now[each] == before[each] for each in now.keys() & before.keys())
            assert all(now[each] == at for each, at in runs.items())
            assert not any(first <= port < first + 16 for each, first in now.items() - old.items() for port in avoided)


def test_a_removed_function_keeps_its_ports_while_it_runs_and_not_longer(tmp_path: Path) -> None:
    had = blocks.assign({}, ["gateway", "orders", "users"])
    blocks.keep(tmp_path, {}, had)
    blocks.release(tmp_path, {"gateway", "users", "orders"})
    assert blocks.assign(blocks.read(tmp_path), ["gateway", "new", "users"])["new"] == 148
    blocks.release(tmp_path, {"gateway", "users"})
    assert blocks.assign(blocks.read(tmp_path), ["gateway", "new", "users"])["new"] == 116


def test_what_is_remembered_is_for_its_owner_alone_and_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / f"ports.{threading.get_ident()}").write_text("what a crash left")
    blocks.keep(tmp_path, {}, {"gateway": 100})
    file = tmp_path / "ports.json"
    assert (file.stat().st_mode & 0o777, json.loads(file.read_text())) == (0o600, {"gateway": 100})
    assert [each.name for each in tmp_path.iterdir()] == ["ports.json"]


def test_functions_that_are_started_side_by_side_are_remembered_by_each(tmp_path: Path) -> None:
    given = {"gateway": 100, "orders": 116, "users": 132}
    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(blocks.keep, tmp_path, {}, given) for _ in range(64)]
    assert [each.result() for each in done] == [None] * 64
    assert blocks.read(tmp_path) == given
    assert [each.name for each in tmp_path.iterdir()] == ["ports.json"]


def test_what_was_so_before_anything_was_written_is_remembered_too(tmp_path: Path) -> None:
    blocks.keep(tmp_path, {"gateway": 100, "gone": 200, "users": 300}, {"gateway": 100, "users": 300})
    assert blocks.read(tmp_path) == {"gateway": 100, "gone": 200, "users": 300}


def test_ports_that_another_command_has_given_away_meanwhile_are_not_taken(tmp_path: Path) -> None:
    blocks.keep(tmp_path, {}, {"gateway": 100, "theirs": 116})
    with pytest.raises(Refusal, match="give this one again"):
        blocks.keep(tmp_path, {}, {"gateway": 100, "mine": 116})
    assert blocks.read(tmp_path) == {"gateway": 100, "theirs": 116}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        '{"a": "100"}',
        '{"a": 99}',
        '{"a": 1.5}',
        '{"a": true}',
        '{"a": 200, "b": 215}',
        '{"a": 115}',
        '{"a": -1}',
    ],
)
def test_what_no_stack_has_written_is_refused_with_the_way_out(text: str, tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(text)
    with pytest.raises(Refusal, match=r"ports\.json .*just down.*just up"):
        blocks.read(tmp_path)


def test_a_stack_from_before_keeps_the_ports_that_its_programs_have(tmp_path: Path) -> None:
    """As supervisord was told: the second instance tells the same as the first."""
    for name, port in (("gateway-1", 9100), ("orders-2", 9201), ("a-2-1", 9300)):
        told = f"command='sh' '-c' 'INSTANCE={name}' 'PORT={port}' 'MEMBERS_DIR=/x' 'python'\n"
        (tmp_path / f"{name}.conf").write_text(told)
    for name in ("redis", "redis-cache", "nginx"):
        (tmp_path / f"{name}.conf").write_text("command='sh'\n")
    assert blocks.running(tmp_path, 9000) == {"gateway": 100, "orders": 200, "a-2": 300}
