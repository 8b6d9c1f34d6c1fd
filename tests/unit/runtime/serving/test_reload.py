"""The developer's loop, the parts that need no process."""

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

from runtime.serving.reload import difference, forget_below, seen, where


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "pkg_of_a_test/app.py"
    file.parent.mkdir()
    file.write_text("one = 1")
    return file


def test_a_saved_file_is_seen(source: Path) -> None:
    before = seen([source.parents[1]])
    os.utime(source, ns=(1, 1))
    assert difference(before, seen([source.parents[1]])) == str(source)


def test_so_are_a_new_file_and_one_that_is_gone(source: Path) -> None:
    before = seen([source.parent])
    new = source.with_name("new.toml")
    new.write_text("")
    now = seen([source.parent])
    assert difference(before, now) == str(new)
    new.unlink()
    assert difference(now, seen([source.parent])) == str(new)


def test_what_is_no_source_is_not_watched(source: Path) -> None:
    before = seen([source.parent])
    source.with_suffix(".pyc").write_text("")
    assert seen([source.parent]) == before


def test_further_files_are_found_by_a_pattern(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parents[1])
    assert list(seen([], "*/app.py")) == ["pkg_of_a_test/app.py"]


def test_a_difference_names_the_file() -> None:
    assert difference({"a": 1, "b": 1}, {"a": 1, "b": 2}) == "b"
    assert difference({"a": 1}, {}) == "a"


def test_a_package_of_ours_is_imported_anew_and_a_library_is_not(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(source.parents[1]))
    module = import_module("pkg_of_a_test.app")
    forget_below([source.parent])
    assert not {"pkg_of_a_test", "pkg_of_a_test.app"} & sys.modules.keys()
    assert "pytest" in sys.modules
    assert import_module("pkg_of_a_test.app") is not module
    forget_below([source.parent])


def raised(source: Path, text: str) -> Exception:
    with pytest.raises((ZeroDivisionError, SyntaxError)) as caught:
        exec(compile(text, str(source), "exec"), {})  # noqa: S102  an author's code
    return caught.value


def test_the_way_to_an_error_begins_in_the_authors_code(source: Path) -> None:
    trace = where(raised(source, "1 / 0"), source.parent)
    assert trace is not None
    assert trace.tb_frame.f_code.co_filename == str(source)


def test_of_an_error_elsewhere_all_of_the_way_is_told_but_not_of_one_that_names_its_line(source: Path) -> None:
    assert where(raised(Path("/elsewhere.py"), "1 / 0"), source.parent) is not None
    assert where(raised(source, "1 /"), source.parent) is None


def test_what_goes_while_it_is_looked_at_ends_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor's file beside the one that it saves, say."""
    (source.parent / "swap.py").write_text("")
    stat = Path.stat

    def gone(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "swap.py":
            raise FileNotFoundError(path)
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", gone)
    assert set(seen([source.parent])) == {str(source)}
    assert seen([source.parent / "gone"]) == {}
