"""Thousands of requests that nobody would write, at both ways in; and that this finds a bug where there is one."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.contract.functions.gateway.town import ROOT, Served, Town
from tests.contract.wire import fuzz
from tests.contract.wire.conftest import Door
from tests.contract.wire.fuzz import found, keep, kept
from tests.contract.wire.grammar import case

SEED = int(os.environ.get("FUZZ_SEED", "1"))
CASES = int(os.environ.get("FUZZ_CASES", "1000"))  # `just fuzz` asks for more, with another seed each time


def cases(seed: int, count: int) -> list[bytes]:
    random = Random(seed)  # noqa: S311  not a secret: the same seed must make the same cases
    return [case(random) for _ in range(count)]


def echoed(inside: httpx.Client) -> int:
    count: int = inside.get("/counts").json()["echoed"]
    return count


@pytest.mark.timeout(3600)
async def test_whatever_is_sent_is_answered_as_it_must_be(door: Door, inside: httpx.Client) -> None:
    wrong = await found([*kept(), *cases(SEED, CASES)], door.port, lambda: echoed(inside))
    keep([*wrong])
    assert list(wrong.values()) == [], f"seed {SEED}; the cases are in tests/contract/wire/corpus"


def test_what_was_found_is_sent_again_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path / "corpus")
    fuzz.keep([bytes(range(256)), b"\\\n\\x41"])
    assert {*fuzz.kept()} == {bytes(range(256)), b"\\\n\\x41"}


def test_the_same_seed_makes_the_same_cases() -> None:
    assert cases(3, 50) == cases(3, 50) != cases(4, 50)


@pytest.fixture
def planted(attacked: Town) -> Iterator[Served]:
    """A gateway with a bug, before the same function."""
    served = Served(ROOT / "tests/contract/wire/planted", **attacked.told)
    yield served
    served.kill()


async def test_a_planted_bug_is_found(planted: Served, inside: httpx.Client) -> None:
    wrong = await found(cases(1, 1000), planted.port, lambda: echoed(inside))
    assert any(why.startswith("the function saw") for why in wrong.values()), wrong
