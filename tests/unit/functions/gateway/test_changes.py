"""What a running gateway can't take in, and what has instances move."""

import pytest

from functions.gateway.changes import beyond, by_name, instances
from runtime.manifest import Manifest
from tests.exchanges import manifest

KEYS: dict[str, object] = {"api_keys": {"prefix": "a_", "swap": "/swap"}}
FEED: dict[str, object] = {"ended_sessions": "/ended"}
USERS = manifest({"match": "GET /a"}, name="users", own=KEYS | FEED)
GATEWAY = manifest(name="gateway")
LEGACY = manifest(name="legacy", own={"app": None, "upstream": {"url": "http://10.0.0.1"}})


def told(before: list[Manifest], now: list[Manifest]) -> tuple[list[str], list[str]]:
    one, other = by_name(before), by_name(now)
    return [line[: line.rindex(":")] for line in beyond(one, other, "gateway")], instances(one, other)


@pytest.mark.parametrize(
    "now",
    [
        manifest({"match": "GET /b", "limit": "1/1h", "cors": ["*"]}, name="users", own=KEYS | FEED),
        manifest({"match": "GET /a"}, name="users", own=KEYS | FEED | {"circuit": {"consecutive": 2}}),
        manifest({"match": "GET /a"}, name="users", own=KEYS | FEED | {"concurrency": {"most": 2}}),
        manifest({"match": "GET /a"}, name="users", own=KEYS | FEED | {"problems": {"a": "b"}, "smoke": "/a"}),
        manifest({"match": "GET /a", "deadline": "1s"}, name="users", own=KEYS | FEED, body="1KiB"),
    ],
)
def test_routes_and_policies_are_taken_in_by_who_runs(now: Manifest) -> None:
    assert told([GATEWAY, USERS], [GATEWAY, now]) == ([], [])


def test_services_of_others_come_go_and_move_while_everything_runs() -> None:
    moved = manifest(name="legacy", own={"app": None, "upstream": {"url": "http://10.0.0.2"}})
    for before, now in (([], [LEGACY]), ([LEGACY], [moved]), ([moved], [])):
        assert told([GATEWAY, *before], [GATEWAY, *now]) == ([], [])


@pytest.mark.parametrize(
    ("own", "keys"),
    [
        (FEED, ["users: api_keys"]),
        (KEYS, ["users: ended_sessions"]),
        (FEED | {"api_keys": {"prefix": "b_", "swap": "/swap"}}, ["users: api_keys"]),
        (KEYS | {"ended_sessions": "/others"}, ["users: ended_sessions"]),
        ({}, ["users: api_keys", "users: ended_sessions"]),
    ],
)
def test_what_gateways_ask_for_from_their_start_on_needs_a_start(own: dict[str, object], keys: list[str]) -> None:
    assert told([USERS], [manifest({"match": "GET /a"}, name="users", own=own)])[0] == keys
    assert told([manifest({"match": "GET /a"}, name="users", own=own)], [USERS])[0] == keys


def test_a_function_that_goes_takes_its_keys_and_its_feed_with_it() -> None:
    assert told([USERS], []) == (["users: api_keys", "users: ended_sessions"], ["users: app: is gone"])


def test_another_app_of_the_gateway_needs_a_gateway_that_starts() -> None:
    other = manifest(name="gateway", own={"app": {"module": "other"}})
    assert told([GATEWAY], [other])[0] == ["gateway: app"]


def test_apps_that_come_go_or_change_are_instances_that_do() -> None:
    things, other = manifest(), manifest(own={"app": {"module": "other"}})
    assert told([], [things])[1] == ["things: app: is new"]
    assert told([things], [])[1] == ["things: app: is gone"]
    assert told([things], [other])[1] == ["things: app: is another"]
    elsewhere = manifest(own={"app": None, "upstream": {"url": "http://10.0.0.1"}})
    assert told([things], [elsewhere])[1] == ["things: app: is gone"]
