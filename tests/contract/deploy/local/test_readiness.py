import sys
from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.local.programs import Program
from deploy.local.readiness import metrics, ready, until_ready
from deploy.local.supervisor.client import Process

NOBODY = Program("users-1", (sys.executable,), ("127.0.0.1", 1), tier=2, ready="/readyz")


def failing(*starts: int) -> dict[str, Process]:
    return {str(start): Process("users-1", "backoff", 0, start, start) for start in starts}


def test_who_does_not_listen_is_not_ready() -> None:
    assert not ready(NOBODY)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("one\n\nthe settings are wrong\n\n", r" \(the settings are wrong\)"),
        ('{"event": "did not start", "level": "error"}\n', r" \(did not start\)"),
        ("", ""),
    ],
)
def test_who_ends_twice_is_told_with_its_last_words_and_where_to_read_on(
    tmp_path: Path, written: str, said: str
) -> None:
    log = tmp_path / "users-1.log"
    log.write_text(written)
    seen = iter([failing(1), failing(1), failing(3)])  # the second look is at the same end as the first
    with pytest.raises(Refusal, match=rf"^users-1 stopped right after its start{said}: read {log}\.$"):
        until_ready([NOBODY], lambda: next(seen), lambda name: tmp_path / f"{name}.log")
    assert not list(seen)


def test_who_is_gone_has_no_metrics() -> None:
    assert metrics(NOBODY) == ""


def test_what_fails_beside_it_is_not_its_affair(tmp_path: Path) -> None:
    seen = iter(
        [{"orders-1": Process("orders-1", "fatal", 0, start, start)} for start in (1, 2, 3)] + [failing(1), failing(2)]
    )
    with pytest.raises(Refusal, match=r"^users-1 stopped right after its start"):
        until_ready([NOBODY], lambda: next(seen), lambda name: tmp_path / f"{name}.log")
    assert not list(seen)
