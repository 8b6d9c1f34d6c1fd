import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser, expand

from deploy.engine import Refusal
from deploy.local.programs import Program
from deploy.local.supervisor import config

WRITABLE = st.text(
    st.characters(codec="ascii", exclude_characters="\"'\r\n;#", categories=("L", "N", "P", "S", "Zs")), min_size=1
)


def parsed(text: str) -> RawConfigParser:
    """As supervisord reads it."""
    parser: RawConfigParser = UnhosedConfigParser()
    parser.read_string(text)
    return parser


def written(program: Program) -> RawConfigParser:
    return parsed(config.program(program, Path("/root"), Path("/logs/it.log")))


@given(WRITABLE)
def test_a_command_is_read_back_as_it_was(argument: str) -> None:
    program = Program("it", ("/bin/it", argument), ("127.0.0.1", 1), tier=1)
    line = expand(written(program).get("program:it", "command"), {}, "command")
    assert shlex.split(line) == ["/bin/it", argument]


@given(st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="/.-_:%,= "), min_size=1))
def test_an_environment_is_read_back_as_it_was(value: str) -> None:
    program = Program("it", ("/bin/it",), ("127.0.0.1", 1), tier=1, environment={"A": value, "B": "b"})
    line = expand(written(program).get("program:it", "environment"), {}, "environment")
    assert dict_of_key_value_pairs(line) == {"A": value, "B": "b"}


@pytest.mark.parametrize("unwritable", ['a"b', "a'b", "a ;b", "a #b", "a\nb"])
def test_a_path_that_supervisord_would_read_differently_is_refused(unwritable: str) -> None:
    program = Program("it", ("/bin/it",), ("127.0.0.1", 1), tier=1, environment={"A": unwritable})
    with pytest.raises(Refusal, match="can't be written"):
        config.program(program, Path("/root"), Path("/logs/it.log"))


def test_a_program_comes_back_after_a_crash_and_has_time_to_stop() -> None:
    program = written(Program("it", ("/bin/it",), ("127.0.0.1", 1), tier=3, stop_signal="QUIT"))["program:it"]
    assert program["autorestart"] == "true"
    assert program["stopsignal"] == "QUIT"
    assert program["priority"] == "3"
    assert int(program["stopwaitsecs"]) > 25  # runtime.serve cuts off what still runs by then


def test_only_root_is_named() -> None:
    def section(user: str) -> RawConfigParser:
        return parsed(config.daemon(Path("/run/s.sock"), Path("/logs"), Path("/root"), user=user, files=1024))

    assert section("root").get("supervisord", "user") == "root"
    assert not section("").has_option("supervisord", "user")
