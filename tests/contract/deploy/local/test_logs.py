from pathlib import Path

import pytest

from deploy.engine import Line
from deploy.local.logs import Follower, chosen


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "users-1.log"
    file.write_text("1\n2\n3\n")
    return file


def texts(follower: Follower) -> list[str]:
    return [line.text for line in follower.round()]


def kept(follower: Follower) -> list[str]:
    return [line.text for line in follower.kept()]


def add(file: Path, text: str) -> None:
    with file.open("a") as end:
        end.write(text)


@pytest.fixture
def follower(log: Path) -> Follower:
    return Follower(lambda: sorted(log.parent.glob("*.log")))


def test_it_begins_with_what_is_kept_and_goes_on_with_each_new_one(log: Path, follower: Follower) -> None:
    assert list(follower.kept()) == [Line("users-1", "1"), Line("users-1", "2"), Line("users-1", "3")]
    assert texts(follower) == []
    add(log, "4\n5\n6\n")
    assert texts(follower) == ["4", "5", "6"]
    follower.close()


def test_a_line_ends_where_the_program_ended_it_and_any_byte_is_kept(log: Path, follower: Follower) -> None:
    texts(follower)
    with log.open("ab") as end:
        end.write(b"one\rtwo\x0b\xe2\x80\xa8\xff\r\n")
    assert texts(follower) == ["one\rtwo\x0b\u2028\udcff\r"]
    follower.close()


def test_a_line_is_given_when_it_is_whole(log: Path, follower: Follower) -> None:
    texts(follower)
    add(log, "ha")
    assert texts(follower) == []
    add(log, "lf\n")
    assert texts(follower) == ["half"]
    follower.close()


def test_rotation_loses_no_line(log: Path, follower: Follower) -> None:
    texts(follower)
    add(log, "before\n")
    log.rename(log.with_suffix(".log.1"))
    log.write_text("after\n")
    assert texts(follower) == ["before", "after"]
    follower.close()


def test_an_instance_that_comes_later_is_followed_too(log: Path, follower: Follower) -> None:
    texts(follower)
    log.with_name("users-2.log").write_text("new\n")
    assert list(follower.round()) == [Line("users-2", "new")]
    follower.close()


def test_what_was_rotated_away_is_read_as_far_as_is_wanted(log: Path, follower: Follower) -> None:
    for number in (1, 2, 10):
        log.with_suffix(f".log.{number}").write_text(f"old {number}\n")
    assert kept(follower) == ["old 10", "old 2", "old 1", "1", "2", "3"]
    follower.close()
    log.write_text("x" * (1 << 20) + "\n")
    for everything in (False, True):
        again = Follower(lambda: [log], everything=everything)
        assert len(kept(again)) == (4 if everything else 1)
        again.close()


def test_a_rotation_in_between_tells_nothing_twice(log: Path) -> None:
    follower = Follower(lambda: [log], everything=True)
    read = follower._read

    def rotated(path: Path) -> list[str]:
        lines = read(path)
        log.rename(log.with_suffix(".log.1"))
        return lines

    follower._read = rotated  # type: ignore[method-assign]
    assert kept(follower) == ["1", "2", "3"]
    follower.close()


@pytest.mark.usefixtures("log")
def test_between_what_was_written_and_what_is_there_is_a_mark(follower: Follower) -> None:
    assert list(follower.follow(lambda: False, follow=False)) == [*(Line("users-1", text) for text in "123"), None]


@pytest.mark.parametrize(
    ("name", "stems"),
    [
        ("", ["nginx", "users-1", "users-2"]),
        ("users", ["users-1", "users-2"]),
        ("users-2", ["users-2"]),
        ("nginx", ["nginx"]),
        ("user", []),
    ],
)
def test_a_name_chooses_a_function_or_an_instance(tmp_path: Path, name: str, stems: list[str]) -> None:
    for stem in ("users-1", "users-2", "nginx"):
        (tmp_path / f"{stem}.log").touch()
    assert [file.stem for file in chosen(tmp_path, ("gateway", "users"), name)] == stems
