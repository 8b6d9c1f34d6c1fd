import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy import verbs
from deploy.apply import Applied
from deploy.backup.key import Keys
from deploy.backup.store import Store
from deploy.engine import Instance, Line, Refusal
from deploy.known import Metrics
from deploy.plan import Plan
from deploy.rollout import Fleet
from runtime.database.migrate import Migration
from tests.unit.deploy.test_rollout import Steps

GATEWAY = Instance("gateway-1", "127.0.0.1:8180", "ready", 42, 75.0)


@dataclass
class Word:
    """A store of one word."""

    word: str
    form: str = "txt"

    def save(self, file: Path) -> None:
        file.write_text(self.word)

    def load(self, file: Path, migrations: Sequence[Migration]) -> None:
        assert migrations
        self.word = file.read_text()

    def schema(self) -> int:
        return 1

    def rows(self, query: str) -> list[tuple[str, ...]]:
        return [(query,)]


@dataclass
class Still:
    """An engine on which nothing moves: it remembers what it was asked, and says that nothing had to be done."""

    asked: list[object] = field(default_factory=list)
    kept: Mapping[str, Store] = field(default_factory=dict)
    refuses: bool = False
    code: int = 3  # of what is run
    keys: Path = Path()
    ships: Steps = field(default_factory=Steps)
    applied: Applied = field(default_factory=lambda: Applied("abc", changed=False))

    def up(self) -> bool:
        return False

    def down(self, *, data: bool) -> bool:
        self.asked.append(("down", data))
        return True

    def scale(self, function: str, instances: int) -> bool:
        self.asked.append((function, instances))
        return False

    def apply(self) -> Applied:
        return self.applied

    def ps(self) -> list[Instance]:
        return [GATEWAY]

    def logs(self, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
        return iter([Line(name, f"one {since} {follow}")])

    def run(self, function: str, module: str, *arguments: str) -> int:
        self.asked.append((function, module, *arguments))
        return self.code

    def stores(self) -> Mapping[str, Store]:
        return self.kept

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.asked.append("paused")
        yield
        self.asked.append("running")

    def migrate(self) -> None:
        if self.refuses:
            raise Refusal("The schema can't be brought up to date.")
        self.asked.append("migrated")

    def signing_keys(self) -> Path:
        return self.keys

    @contextmanager
    def fleet(self) -> Iterator[Fleet]:
        yield self.ships

    def pages(self) -> Mapping[str, Metrics]:
        return {}

    def require_ports(self) -> None:
        return

    def address(self) -> str:
        return "http://localhost:9"


def refuses(_question: str) -> str:
    return ""


def test_up_says_where_it_listens_what_runs_and_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.up(Still()) == 0
    said = capsys.readouterr().out
    assert "nothing was changed" in said
    assert "listens on http://localhost:9" in said
    assert "Running: gateway-1" in said
    assert "curl -i http://localhost:9/products" in said


def test_data_is_deleted_only_after_a_yes() -> None:
    engine = Still()
    with pytest.raises(Refusal, match="Nothing was stopped or deleted"):
        verbs.down(engine, data=True, yes=False, ask=refuses)
    assert engine.asked == []
    verbs.down(engine, data=True, yes=False, ask=lambda _: "Y")
    assert engine.asked == [("down", True)]


def test_down_without_data_asks_nothing() -> None:
    engine = Still()
    verbs.down(engine, data=False, yes=False, ask=refuses)
    assert engine.asked == [("down", False)]


def test_the_exit_code_of_what_was_run_is_the_verbs() -> None:
    engine = Still()
    assert verbs.admin(engine, "a@example.com", create=True) == 3
    assert verbs.seed(engine, again=False) == 3
    command = ("users", "functions.users.admin", "a@example.com", "--create")
    assert engine.asked == [command, ("orders", "functions.orders.seed")]


def test_a_seed_that_fills_up_has_gateways_forget_what_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, command = Still(), ("orders", "functions.orders.seed", "--again")
    assert verbs.seed(engine, again=True) == 3
    assert engine.asked == [command]
    monkeypatch.setattr(engine, "code", 0)
    assert verbs.seed(engine, again=True) == 0
    assert engine.asked[1:] == [
        command,
        ("gateway", "functions.gateway.cached", "purge", "--all"),
    ]


def test_limits_are_shown_or_cleared_by_a_gateways_own_command() -> None:
    engine, command = Still(), ("gateway", "functions.gateway.limits")
    assert verbs.limits(engine, "", clear=False, yes=False) == 3
    assert verbs.limits(engine, "ann", clear=True, yes=True) == 3
    assert engine.asked == [(*command, ""), (*command, "ann", "--clear", "--yes")]


def test_the_cache_is_looked_at_or_purged_by_a_gateways_own_command() -> None:
    engine, command = Still(), ("gateway", "functions.gateway.cached")
    assert verbs.cache(engine, "look", "/products") == 3
    assert verbs.cache(engine, "purge", "orders", "products") == 3
    assert verbs.cache(engine, "purge", everything=True) == 3
    assert engine.asked == [
        (*command, "look", "/products"),
        (*command, "purge", "orders", "--group", "products"),
        (*command, "purge", "--all"),
    ]


def test_scaling_says_when_it_was_so_already(capsys: pytest.CaptureFixture[str]) -> None:
    for number in (0, 1, 2):
        verbs.scale(Still(), "users", number)
    assert capsys.readouterr().out.splitlines() == [
        "users: 0 instances, as before",
        "users: 1 instance, as before",
        "users: 2 instances, as before",
    ]


def test_the_table_has_a_row_for_each_instance_in_even_columns() -> None:
    assert verbs.table([GATEWAY, Instance("redis", "127.0.0.1:8081", "fatal")]).splitlines() == [
        "INSTANCE   ADDRESS         STATE  PID  UPTIME",
        "gateway-1  127.0.0.1:8180  ready  42   1m 15s",
        "redis      127.0.0.1:8081  fatal  -    -",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0, "0s"), (59, "59s"), (200, "3m 20s"), (7500, "2h 5m"), (86400, "1d 0h"), (349_200, "4d 1h")],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, said: str) -> None:
    assert verbs.duration(seconds) == said


AT = datetime(2026, 11, 22, 18, 5, 9, tzinfo=UTC)
KEY = b"k" * 32
KEYS = Keys(KEY, KEY)


@pytest.fixture
def backed_up(tmp_path: Path) -> tuple[Still, Word, Path]:
    """An engine whose word was backed up and is another now, and the backup."""
    word = Word("before")
    engine = Still(kept={"users": word})
    verbs.backup(engine, tmp_path, AT, KEY)
    word.word = "after"
    return engine, word, tmp_path / "2026-11-22T180509Z"


def agrees(_question: str) -> str:
    return "y"


def test_backup_says_where_it_is_and_how_to_bring_it_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verbs.backup(Still(kept={"users": Word("before")}), tmp_path, AT, KEY)
    said = capsys.readouterr().out
    assert "Backed up users" in said
    assert f"just restore {tmp_path}/2026-11-22T180509Z" in said


def test_what_it_says_can_be_typed_wherever_the_backup_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below = tmp_path / "it's $(id) ;x"
    verbs.backup(Still(kept={"users": Word("before")}), below, AT, KEY)
    said = capsys.readouterr().out.strip().partition("with: ")[2]
    assert shlex.split(said) == ["just", "restore", f"{below}/2026-11-22T180509Z"]


def test_restore_replaces_nothing_without_a_yes(backed_up: tuple[Still, Word, Path], tmp_path: Path) -> None:
    engine, word, folder = backed_up
    with pytest.raises(Refusal, match="Nothing was changed"):
        verbs.restore(engine, folder, tmp_path, refuses, AT, KEYS)
    assert (word.word, engine.asked) == ("after", [])


def test_restore_checks_before_it_asks(backed_up: tuple[Still, Word, Path], tmp_path: Path) -> None:
    engine, word, folder = backed_up
    (folder / "users.txt").write_text("broken")
    with pytest.raises(Refusal, match="is not what was backed up"):
        verbs.restore(engine, folder, tmp_path, agrees, AT, KEYS)
    assert (word.word, engine.asked) == ("after", [])


def test_restore_loads_what_it_checked_whatever_is_written_meanwhile(
    backed_up: tuple[Still, Word, Path], tmp_path: Path
) -> None:
    engine, word, folder = backed_up

    def alters(question: str) -> str:
        (folder / "users.txt").write_text("mine")
        return agrees(question)

    assert verbs.restore(engine, folder, tmp_path, alters, AT, KEYS) == 0
    assert word.word == "before"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_restore_stops_functions_replaces_migrates_and_keeps_what_was_there(
    backed_up: tuple[Still, Word, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, word, folder = backed_up
    assert verbs.restore(engine, folder, tmp_path, agrees, AT, KEYS) == 0
    purged = ("gateway", "functions.gateway.cached", "purge", "--all")
    assert (word.word, engine.asked) == ("before", ["paused", "migrated", "running", purged])
    kept = tmp_path / "2026-11-22T180509Z-before-restore"
    assert (kept / "users.txt").read_text() == "after"
    said = capsys.readouterr().out
    assert str(kept) in said
    assert "until it is stale" in said  # as this engine could not purge


def test_a_restore_that_fails_puts_back_what_was_there(backed_up: tuple[Still, Word, Path], tmp_path: Path) -> None:
    engine, word, folder = backed_up
    engine.refuses = True
    with pytest.raises(Refusal, match="can't be brought up to date"):
        verbs.restore(engine, folder, tmp_path, agrees, AT, KEYS)
    assert word.word == "after"


def test_a_backup_that_another_stack_made_wants_its_key(backed_up: tuple[Still, Word, Path], tmp_path: Path) -> None:
    engine, word, folder = backed_up
    other = b"x" * 32
    with pytest.raises(Refusal, match=r"not signed with this stack's key.*--key FILE"):
        verbs.restore(engine, folder, tmp_path, agrees, AT, Keys(other, other))
    assert word.word == "after"
    assert verbs.restore(engine, folder, tmp_path, agrees, AT, Keys(other, KEY)) == 0
    word.word = "after"
    assert verbs.restore(engine, folder, tmp_path / "again", agrees, AT, Keys(other, None)) == 0
    assert word.word == "before"


def test_where_that_fails_as_well_the_refusal_says_where_it_is(
    backed_up: tuple[Still, Word, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, word, folder = backed_up

    def refuse(_file: Path, _migrations: object) -> None:
        raise Refusal("The database is away.")

    monkeypatch.setattr(word, "load", refuse)
    with pytest.raises(Refusal, match=r"What was there can't be put back .*-before-restore: `just restore"):
        verbs.restore(engine, folder, tmp_path, agrees, AT, KEYS)
    assert engine.asked == ["paused"]


def test_rotating_keys_says_when_the_new_one_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.rotate_keys(Still(keys=tmp_path), at_once=False, ask=refuses, now=1_800_000_000.0) == 0
    assert "signs from 08:00:15 UTC on. Nothing has to be restarted." in capsys.readouterr().out


def test_withdrawing_keys_asks_first(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="Nothing was changed"):
        verbs.rotate_keys(Still(keys=tmp_path), at_once=True, ask=refuses, now=1_800_000_000.0)
    assert list(tmp_path.iterdir()) == []


def test_deploy_says_what_it_replaced_and_how_to_go_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.deploy(Still(), everything=False) == 0
    assert (
        capsys.readouterr().out
        == "Deployed: replaced orders, gateway. `just rollback` brings back what was there before.\n"
    )


def test_deploy_of_what_runs_says_that_nothing_was_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.deploy(Still(ships=Steps(changed=Plan())), everything=False) == 0
    assert capsys.readouterr().out == "This version runs already; nothing was changed.\n"


def test_deploy_of_what_should_run_and_did_not_says_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.deploy(Still(ships=Steps(changed=Plan(), mends=True)), everything=False) == 0
    assert capsys.readouterr().out == "This version runs already; what did not run of it does now.\n"


def test_rollback_says_what_is_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.rollback(Still()) == 0
    assert capsys.readouterr().out == "Rolled back: replaced orders, gateway.\n"


def test_an_apply_says_what_is_served_and_that_nothing_was_restarted(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.apply(Still(applied=Applied("abc", late=["gateway-2"]))) == 0
    said = capsys.readouterr().out
    assert said.startswith("Every gateway serves the revision abc, in 0.0 s. Nothing was restarted.\n")
    assert "gateway-2 does not answer" in said


def test_an_apply_of_what_is_served_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.apply(Still()) == 0
    assert "served already (abc)" in capsys.readouterr().out


def test_what_running_gateways_cannot_take_in_is_named_and_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    still = Still(applied=Applied("abc", changed=False, beyond=["users: api_keys: is another"]))
    assert verbs.apply(still) == 0
    said = capsys.readouterr().out
    assert "users: api_keys: is another" in said
    assert "Deployed: replaced orders, gateway" in said
    assert "replace gateway" in still.ships.taken


def test_a_table_shows_revisions_where_there_are_gateways() -> None:
    rows = [GATEWAY, Instance("gateway-2", "127.0.0.1:8181", "ready", 43, 75.0, "abc")]
    assert verbs.table(rows).splitlines() == [
        "INSTANCE   ADDRESS         STATE  PID  UPTIME  REVISION",
        "gateway-1  127.0.0.1:8180  ready  42   1m 15s",
        "gateway-2  127.0.0.1:8181  ready  43   1m 15s  abc",
    ]
