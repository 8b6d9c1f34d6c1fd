"""runtime/settings.py: the environment -> one frozen struct."""

from pathlib import Path

import msgspec
import pytest

from runtime.settings import Secret, SettingsError, load
from runtime.units import Duration


class Settings(msgspec.Struct, frozen=True):
    database_url: Secret
    port: int = 8000
    patience: Duration = Duration(1.5)
    verbose: bool = False


class Pair(msgspec.Struct, frozen=True):
    low: int = 0
    high: int = 0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("LOW is above HIGH")


def lines(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(Settings, environment)
    return str(refused.value).splitlines()


def test_variables_are_read_as_the_types_of_their_fields() -> None:
    told = load(Settings, {"DATABASE_URL": "sqlite:x", "PORT": "81", "PATIENCE": "250ms", "VERBOSE": "true"})
    assert told == Settings(Secret("sqlite:x"), 81, Duration(0.25), verbose=True)


def test_what_the_environment_leaves_out_has_its_default() -> None:
    assert load(Settings, {"DATABASE_URL": "x", "UNRELATED": "y"}) == Settings(Secret("x"))


def test_a_secret_comes_from_the_file_that_is_named_without_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgres://secret\n")
    assert load(Settings, {"DATABASE_URL_FILE": str(file)}).database_url == "postgres://secret"


def test_a_file_is_preferred_to_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("from the file")
    told = load(Settings, {"DATABASE_URL": "from the variable", "DATABASE_URL_FILE": str(file)})
    assert told.database_url == "from the file"


def test_every_fault_comes_at_once_a_line_for_each_variable() -> None:
    assert lines({"PORT": "eighty", "PATIENCE": "long"}) == [
        "DATABASE_URL: is required",
        "PORT: Expected `int`, got `str`",
        "PATIENCE: `long` is not a duration; write `250ms`, `2s` or `1m`",
    ]


def test_a_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert lines({"DATABASE_URL_FILE": str(missing), "PORT": "x"}) == [
        f"DATABASE_URL_FILE: cannot be read: No such file or directory: {missing}",
        "PORT: Expected `int`, got `str`",
    ]


def test_a_default_does_not_hide_a_file_that_is_not_there() -> None:
    assert lines({"DATABASE_URL": "x", "PORT_FILE": "/nowhere"}) == [
        "PORT_FILE: cannot be read: No such file or directory: /nowhere"
    ]


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    assert lines({"DATABASE_URL_FILE": str(tmp_path)}) == [
        f"DATABASE_URL_FILE: cannot be read: Is a directory: {tmp_path}"
    ]


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe\x00")
    assert lines({"DATABASE_URL_FILE": str(file)}) == ["DATABASE_URL_FILE: names a file that is not text in UTF-8"]


def test_what_only_the_whole_can_tell_is_told() -> None:
    with pytest.raises(SettingsError, match="environment: LOW is above HIGH"):
        load(Pair, {"LOW": "2", "HIGH": "1"})


def test_a_process_that_does_not_catch_the_error_ends_with_it() -> None:
    with pytest.raises(SystemExit, match="DATABASE_URL: is required"):
        load(Settings, {})


def test_a_secret_shows_itself_to_nobody_but_who_asks_for_the_text() -> None:
    told = load(Settings, {"DATABASE_URL": "hunter2"})
    assert "hunter2" not in repr(told)
    assert f"{told.database_url}" == "hunter2"


def test_a_fault_does_not_repeat_a_secret() -> None:
    assert not any("hunter2" in line for line in lines({"PORT": "hunter2"}))
