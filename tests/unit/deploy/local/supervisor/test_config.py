import glob
import shlex
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.options import UnhosedConfigParser, expand

from deploy.engine import Refusal
from deploy.local.programs import Program
from deploy.local.supervisor import config

# Whatever a path or a setting may hold: quotes, comments' signs, percent signs, spaces at either end.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")) | st.text(" ;#'\"%$\\\\[]*?~=a", min_size=1)


def parsed(text: str) -> RawConfigParser:
    """As supervisord reads it."""
    parser: RawConfigParser = UnhosedConfigParser()
    parser.read_string(text)
    return parser


def written(program: Program) -> RawConfigParser:
    return parsed(config.program(program))


def run(program: Program) -> list[str]:
    """The words of the command that supervisord runs."""
    return shlex.split(expand(written(program).get("program:it", "command"), {}, "command"))


@given(TEXT, TEXT, TEXT)
def test_what_a_program_is_told_is_read_back_as_it_was(argument: str, value: str, folder: str) -> None:
    told = {"A": value, "B": "b"}
    program = Program("it", ("/bin/it", argument), ("127.0.0.1", 1), tier=1, environment=told, directory=Path(folder))
    assert run(program)[3:] == [str(Path(folder)), f"A={value}", "B=b", "/bin/it", argument]


@pytest.mark.parametrize(
    "odd", ["a  b", "a'b\"c", "# ; %s %(here)s $HOME `id` $(id)", "%(here)s", "[b]*?", "\u00e9\u4e2d", " x "]
)
def test_a_program_starts_where_and_with_what_it_should_whatever_that_is_called(odd: str, tmp_path: Path) -> None:
    folder = tmp_path / odd
    folder.mkdir()
    tells = "import os, sys; print(ascii([os.getcwd(), os.environ['A'], sys.argv[1]]))"
    command = (sys.executable, "-X", "utf8", "-c", tells, odd)
    program = Program("it", command, ("127.0.0.1", 1), tier=1, environment={"A": odd}, directory=folder)
    said = subprocess.run(run(program), capture_output=True, text=True, check=True).stdout
    assert said == f"{[str(folder), odd, odd]!a}\n"


@pytest.mark.parametrize(
    "odd", ["a  b", "a'b\"c", "# ; %s %(here)s $HOME", "%(here)s", "[b]*?", "\u00e9\u4e2d", " x ;y #z"]
)
def test_program_files_are_found_in_a_folder_whatever_it_is_called(odd: str, tmp_path: Path) -> None:
    folder = tmp_path / odd
    folder.mkdir()
    (folder / "it.conf").touch()
    files = expand(parsed(config.daemon(folder, user="", files=1)).get("include", "files"), {}, "files").split()
    assert [file for pattern in files for file in glob.glob(pattern)]  # noqa: PTH207  as supervisord does == [str(folder / "it.conf")]


@pytest.mark.parametrize("unwritable", ["a\nb", "a\rb", "a\udcffb"])
def test_a_path_that_supervisord_would_read_differently_is_refused(unwritable: str) -> None:
    program = Program("it", ("/bin/it",), ("127.0.0.1", 1), tier=1, environment={"A": unwritable})
    with pytest.raises(Refusal, match="can't be written"):
        config.program(program)


def test_a_program_comes_back_after_a_crash_and_has_time_to_stop() -> None:
    program = written(Program("it", ("/bin/it",), ("127.0.0.1", 1), tier=3, stop_signal="QUIT"))["program:it"]
    assert program["autorestart"] == "true"
    assert program["stopsignal"] == "QUIT"
    assert program["priority"] == "3"
    assert int(program["stopwaitsecs"]) > 25  # runtime.serving.serve cuts off what still runs by then


def test_only_root_is_named() -> None:
    def section(user: str) -> RawConfigParser:
        return parsed(config.daemon(Path("/programs"), user=user, files=1024))

    assert section("root").get("supervisord", "user") == "root"
    assert not section("").has_option("supervisord", "user")
