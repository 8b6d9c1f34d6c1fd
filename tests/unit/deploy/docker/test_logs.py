"""Lines of Compose -> lines, on a Compose that only says what it was asked."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest

from deploy.docker.logs import parsed, told
from deploy.engine import Line, Refusal

if TYPE_CHECKING:
    from deploy.docker.compose import Compose

RUNNING = ["users-1", "users-2"]


class Said:
    """Two lines, whatever is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def lines(self, *arguments: str) -> Iterator[str]:
        self.asked.append(arguments)
        yield "users-1  | 1970-01-01T00:00:01.500000000Z one"
        yield "users-2  | 1970-01-01T00:00:02Z two | three"


def of(said: Said, name: str = "", since: float | None = None, *, follow: bool = False) -> list[Line | None]:
    return list(told(cast("Compose", said), RUNNING, name, since=since, follow=follow))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("users-1  | 1970-01-01T00:00:01.500000000Z a\rb", Line("users-1", "a\rb", 1.5)),
        ("users-1 | no time", Line("users-1", "no time")),
        ("users-1  | 1970-01-01T00:00:01Z ", Line("users-1", "", 1.0)),
        ("users-1 exited with code 0", None),
    ],
)
def test_a_line_has_the_time_that_docker_kept(text: str, line: Line | None) -> None:
    assert parsed(text) == line


def test_of_an_instance_only_its_own_are_told() -> None:
    assert of(Said(), "users-2") == [Line("users-2", "two | three", 2.0), None]


def test_the_end_or_what_is_kept_is_read_once_and_what_comes_is_followed_from_there() -> None:
    said = Said()
    assert of(said, follow=True).count(None) == 1
    kept, followed = said.asked
    assert "--tail" in kept
    assert "--follow" in followed
    assert kept[kept.index("--until") + 1] == followed[followed.index("--since") + 1]
    of(said, since=0.0)
    assert not {"--tail", "--since"} & {*said.asked[-1]}
    of(said, since=1.0)
    assert "1970-01-01T00:00:01+00:00" in said.asked[-1]


def test_who_does_not_run_is_refused_with_who_does() -> None:
    with pytest.raises(Refusal, match="users-3 does not run: there are users-1, users-2"):
        told(cast("Compose", Said()), RUNNING, "users-3", since=None, follow=False)
