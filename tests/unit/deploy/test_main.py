import errno
import os
from pathlib import Path

import pytest

from deploy.__main__ import main, sentence


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "The disk is full at /data: free some space and try again."),
        (errno.EACCES, "There is no right to use /data: set PORTICO_STATE to a folder of your own."),
        (errno.EIO, "The system refused /data (Input/output error): correct that and try again."),
    ],
)
def test_what_the_system_refuses_is_one_sentence_with_a_next_step(number: int, said: str) -> None:
    error = OSError(number, "Input/output error", "/data")
    assert sentence(error) == said


def test_a_copy_that_does_not_fit_is_told_by_where_it_was_to_be() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/checkout/app.py", None, "/data/app.py")
    assert sentence(error) == "The disk is full at /data/app.py: free some space and try again."


@pytest.mark.parametrize(("before", "after"), [(0o000, 0o022), (0o002, 0o022), (0o077, 0o077)])
def test_what_a_verb_makes_nobody_else_may_write(
    before: int, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTICO_STATE", str(tmp_path))
    monkeypatch.setenv("ENGINE", "local")
    had = os.umask(before)
    try:
        assert main(["ps"]) == 1
        assert os.umask(0) == after
    finally:
        os.umask(had)
