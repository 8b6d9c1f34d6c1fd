"""Which entries are shown, and in which order."""

import json

import pytest

from deploy.engine import Line
from deploy.logs.entries import Entry
from deploy.logs.selection import Selection, ordered


def entry(instance: str = "gateway-1", time: float = 10.0, level: str = "info", **said: object) -> Entry:
    return Entry(Line(instance, json.dumps(said, separators=(",", ":"))), time, level)


def poll(target: str, status: str, user_agent: str = "") -> Entry:
    return entry("nginx", event="request", target=target, protocol="HTTP/1.1", status=status, user_agent=user_agent)


def test_everything_is_shown_unless_something_is_chosen() -> None:
    assert Selection().wants(entry())


def test_what_is_older_is_not_shown() -> None:
    assert [Selection(since=10.0).wants(entry(time=time)) for time in (9.9, 10.0)] == [False, True]


def test_what_is_less_grave_is_not_shown() -> None:
    levels = ("debug", "info", "warning", "error", "critical")
    assert [Selection(level="error").wants(entry(level=level)) for level in levels] == [False, False, False, True, True]


@pytest.mark.parametrize("other", ["r", "r10", "", "R1"])
def test_a_request_is_found_by_its_whole_id(other: str) -> None:
    assert Selection(request="r1").wants(entry(request_id="r1"))
    assert not Selection(request="r1").wants(entry(request_id=other))


def test_who_writes_an_id_into_another_field_is_not_in_its_story() -> None:
    assert not Selection(request="r1").wants(entry(request_id="r2", user_agent='"request_id":"r1"'))


@pytest.mark.parametrize(
    ("target", "status", "shown"),
    [
        ("/livez", "200", False),
        ("/readyz", "200", False),
        ("/readyz", "503", True),
        ("/.well-known/jwks.json", "304", False),
        ("/.well-known/jwks.json", "502", True),
        ("/.portico/who", "404", False),
        ("/livez/more", "200", True),
        ("/products", "200", True),
    ],
)
def test_what_the_stack_asks_itself_is_shown_where_it_went_wrong_or_is_wanted(
    target: str,
    status: str,
    *,
    shown: bool,
) -> None:
    asked = poll(target, status)
    assert Selection().wants(asked) == shown
    assert Selection(polls=True).wants(asked)


def test_nobody_hides_a_request_by_what_it_says_of_itself() -> None:
    assert Selection().wants(poll("/products", "200", user_agent='"target":"/livez","status":"200"'))


def test_a_story_goes_by_time_and_of_one_millisecond_from_the_inside_out() -> None:
    told = [
        entry("nginx", 1.0010),
        entry("gateway-1", 1.0019),
        entry("users-1", 1.0012),
        entry("gateway-1", 0.5),
        entry("nginx-1", 1.0011),
    ]
    assert [each.line.instance for each in ordered(told)] == ["gateway-1", "users-1", "gateway-1", "nginx", "nginx-1"]
    assert [each.line.instance for each in ordered(told, 2)] == ["nginx", "nginx-1"]
    assert ordered(told, 0) == []
