"""A stack, on an engine that says what it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.doctor import stack
from deploy.engine import Instance, Refusal
from deploy.known import Metrics
from tests.unit.deploy.test_verbs import Still, Word


@dataclass
class Down(Still):
    """Nothing runs."""

    why: str = "Nothing is running: start it with `just up`."
    taken: str = ""

    def ps(self) -> list[Instance]:
        raise Refusal(self.why)

    def require_ports(self) -> None:
        if self.taken:
            raise Refusal(self.taken)


@dataclass
class Up(Still):
    """One gateway that says of itself what it is told to."""

    page: str = ""
    kept: Mapping[str, Word] = field(default_factory=dict)

    def pages(self) -> Mapping[str, Metrics]:
        return {"gateway-1": lambda: self.page}


def states(engine: Still, functions: Path = Path()) -> dict[str, str]:
    return {found.what: found.state for found in stack.stack(engine, functions)}


def test_where_nothing_runs_the_ports_are_asked() -> None:
    assert states(Down()) == {"stack": "ok", "ports": "ok"}
    assert states(Down(taken="Port 8080 is taken: end it.")) == {"stack": "ok", "ports": "wrong"}
    assert states(Down(why="supervisord is gone, and has left nginx."))["stack"] == "wrong"


def test_where_it_runs_each_part_is_asked(tmp_path: Path) -> None:
    (tmp_path / "users/schema").mkdir(parents=True)
    (tmp_path / "users/schema/0001_users.sql").touch()
    assert states(Up(kept={"users": Word("")}), tmp_path) == {
        "front door": "wrong",  # nobody listens there
        "gateway-1": "ok",
        "database of users": "ok",
        "Redis": "ok",
        "cache": "ok",
    }


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("portico_gateway_limit_local 1\n", ["Redis"]),
        ("a 1\nportico_gateway_cache_alone 1.0\nb 2\n", ["cache"]),
        ("portico_gateway_limit_local 0\nportico_gateway_cache_alone 0\n", []),
        ("# HELP portico_gateway_limit_local 1", []),
    ],
)
def test_redis_is_away_where_a_gateway_says_so(page: str, wrong: list[str]) -> None:
    found = [*stack.redis({"gateway-1": page, "gateway-2": ""})]
    assert [each.what for each in found if each.state == "wrong"] == wrong
    assert all("gateway-1 can't reach it" in each.said for each in found if each.state == "wrong")


def test_an_instance_that_is_not_ready_is_told_with_where_to_look() -> None:
    found = stack.instance(Instance("users-1", "a:1", "backoff"))
    assert found.state == "wrong"
    assert "`just logs users-1 -n 50`" in found.said


def away() -> int:
    raise Refusal("The database is locked.")


@pytest.mark.parametrize(("has", "state"), [(2, "ok"), (3, "ok"), (1, "warning")])
def test_a_schema_that_is_behind_the_checkout_is_told(has: int, state: str) -> None:
    assert stack.database("users", lambda: has, 2).state == state
    assert stack.database("users", away, 2).state == "wrong"


def test_the_last_migration_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    for name in ("schema/0001_a.sql", "schema/0010_b.sql", "schema/0002_c.sql", "schema/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert stack.newest(tmp_path) == 10
    assert stack.newest(tmp_path / "nobody") == 0
