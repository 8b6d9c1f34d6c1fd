"""The databases of a stack of a few lines: real files, really migrated."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deploy.backup.postgres import Postgres
from deploy.backup.sqlite import Sqlite
from deploy.engine import Refusal
from deploy.local.databases import Databases
from deploy.local.layout import Layout

REPOSITORY = Path(__file__).parents[4]
MANIFEST = 'name = "{0}"\n\n[app]\nmodule = "functions.{0}.app"\n'
URL = "sqlite:///{}"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """`things` has a database, `echoes` has none."""
    layout = Layout(tmp_path, tmp_path / "state")
    (tmp_path / "runtime").symlink_to(REPOSITORY / "runtime")
    for name in ("gateway", "things", "echoes"):
        layout.folder(name).mkdir(parents=True)
        (layout.folder(name) / "function.toml").write_text(MANIFEST.format(name))
    schema = layout.folder("things") / "schema"
    schema.mkdir()
    (schema / "0001_things.sql").write_text("CREATE TABLE things (id TEXT PRIMARY KEY);")
    layout.secrets.mkdir(parents=True)
    layout.database_url("things").write_text(URL.format(tmp_path / "things.db"))
    return layout


def test_a_function_with_a_schema_has_a_store_of_the_kind_that_its_url_says(layout: Layout) -> None:
    databases = Databases(layout, print)
    [(name, store)] = databases.stores().items()
    assert (name, type(store)) == ("things", Sqlite)
    layout.database_url("things").write_text("postgresql://things@127.0.0.1/things")
    assert type(databases.stores()["things"]) is Postgres


def test_a_schema_is_brought_up_to_date_and_one_that_is_not_there_is_left_alone(layout: Layout) -> None:
    said: list[str] = []
    databases = Databases(layout, said.append)
    databases.migrate("echoes")
    assert said == []
    databases.migrate("things")
    assert said == ["Bringing the schema of things up to date"]
    with closing(sqlite3.connect(layout.root / "things.db")) as database:
        assert database.execute("SELECT count(*) FROM things").fetchone() == (0,)


def test_a_schema_that_cannot_be_applied_is_refused_with_the_reason(layout: Layout) -> None:
    (layout.folder("things") / "schema/0002_wrong.sql").write_text("CREATE TABLE;")
    with pytest.raises(Refusal, match=r"The schema of things can't be brought up to date \(.*0002_wrong"):
        Databases(layout, print).migrate("things")


def test_a_function_that_no_up_has_taken_in_has_no_database_so_far(layout: Layout) -> None:
    layout.database_url("things").unlink()
    assert Databases(layout, print).functions() == []
    assert Databases(layout, print).stores() == {}
