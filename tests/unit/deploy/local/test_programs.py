from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.layout import Layout
from deploy.local.programs import Binaries, Program, programs

BINARIES = Binaries(nginx="/usr/sbin/nginx", redis="/usr/bin/redis-server")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for name in ("gateway", "orders", "users"):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "function.toml").touch()
    return Layout(tmp_path, tmp_path / "state", 9000)


def named(layout: Layout, **instances: int) -> dict[str, Program]:
    wanted = {"gateway": 1, "orders": 1, "users": 1} | instances
    return {program.name: program for program in programs(layout, wanted, BINARIES)}


def test_they_are_listed_from_the_inside_out(layout: Layout) -> None:
    found = named(layout, gateway=2, users=0)
    assert list(found) == ["redis", "redis-cache", "orders-1", "gateway-1", "gateway-2", "nginx"]
    assert [program.tier for program in found.values()] == [1, 1, 2, 3, 3, 4]


def test_an_instance_is_told_who_and_where_it_is(layout: Layout) -> None:
    instance = named(layout, gateway=2)["gateway-2"]
    told = instance.environment
    assert (told["HOST"], told["PORT"], told["INSTANCE"]) == ("127.0.0.1", "9101", "gateway-2")
    assert instance.command[-2:] == ("runtime.serving.serve", "functions/gateway")
    assert instance.address == ("127.0.0.1", 9101)


def test_secrets_are_told_as_files(layout: Layout) -> None:
    for program in named(layout).values():
        for variable in program.environment:
            assert variable not in ("REDIS_URL", "CACHE_URL", "DATABASE_URL")


def test_functions_ask_for_keys_at_the_front_door_and_users_holds_them(layout: Layout) -> None:
    found = named(layout)
    assert found["orders-1"].environment["JWKS_URL"] == "http://127.0.0.1:9000/.well-known/jwks.json"
    assert "JWKS_URL" not in found["users-1"].environment
    assert found["users-1"].environment["SIGNING_KEYS_DIR"] == str(layout.secrets / "signing")


def test_nginx_is_asked_through_a_gateway_only_if_there_is_one(layout: Layout) -> None:
    assert named(layout)["nginx"].ready == "/livez"
    assert named(layout, gateway=0)["nginx"].ready == ""


def test_nginx_finishes_what_is_in_flight(layout: Layout) -> None:
    assert named(layout)["nginx"].stop_signal == "QUIT"


def test_bound_to_every_address_nginx_is_asked_on_the_loopback(layout: Layout) -> None:
    everywhere = Layout(layout.root, layout.state, 9000, "0.0.0.0")  # noqa: S104  nothing is bound here
    assert named(everywhere)["nginx"].address == ("127.0.0.1", 9000)


def test_while_developing_what_is_saved_is_served_and_a_manifest_concerns_the_gateway_too(layout: Layout) -> None:
    found = named(replace(layout, developing=True))
    assert {found[name].environment.get("RELOAD") for name in ("gateway-1", "users-1")} == {"1"}
    assert found["gateway-1"].environment["RELOAD_ALSO"] == "functions/*/function.toml"
    assert "RELOAD" not in named(layout)["users-1"].environment
