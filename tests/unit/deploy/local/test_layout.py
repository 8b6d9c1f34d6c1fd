from collections import Counter
from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.local.layout import Layout, settled


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("users", "gateway", "orders"):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "function.toml").touch()
    (tmp_path / "functions/unfinished").mkdir()
    return tmp_path


def test_functions_are_the_folders_with_a_manifest_and_the_gateway_comes_first(root: Path) -> None:
    assert Layout.read(root, {}).functions == ("gateway", "orders", "users")


def test_every_port_is_derived_from_one(root: Path) -> None:
    layout = Layout.read(root, {"PORT": "9000"})
    assert (layout.port, layout.redis_port, layout.cache_port) == (9000, 9001, 9003)
    assert (layout.slot("gateway", 1), layout.slot("orders", 1), layout.slot("users", 16)) == (9100, 9116, 9147)


def test_no_port_is_given_twice(root: Path) -> None:
    layout = Layout.read(root, {})
    ports = [
        layout.port,
        layout.redis_port,
        layout.cache_port,
        *(port for name in layout.functions for port in layout.slots(name).values()),
    ]
    assert Counter(ports).most_common(1)[0][1] == 1


def test_without_a_word_it_listens_on_the_loopback_at_8080(root: Path) -> None:
    layout = Layout.read(root, {})
    assert (layout.bind, layout.port, layout.state) == ("127.0.0.1", 8080, root / ".portico")


@pytest.mark.parametrize(("port", "highest"), [("0", 65420), ("-1", 65420), ("eighty", 65420), ("65389", 65388)])
def test_what_is_no_port_is_refused_with_the_range(root: Path, port: str, highest: int) -> None:
    with pytest.raises(Refusal, match=f"PORT={port} .* from 1 to {highest}"):
        Layout.read(root, {"PORT": port})


def test_the_highest_port_leaves_room_for_every_slot(root: Path) -> None:
    assert Layout.read(root, {"PORT": "65388"}).slot("users", 16) == 65_535


def test_ports_that_were_given_stay_whatever_is_there_now(root: Path) -> None:
    (root / ".portico").mkdir()
    (root / ".portico/ports.json").write_text('{"gateway": 100, "gone": 116, "users": 300}')
    layout = Layout.read(root, {"PORT": "9000"})
    assert [layout.slot(name, 1) for name in ("users", "orders", "gone")] == [9300, 9132, 9116]


def test_the_port_of_tls_is_nobodys_slot(root: Path) -> None:
    layout = Layout.read(root, {"PORT": "9000", "TLS_PORT": "9120"})
    assert [layout.slot(name, 1) for name in ("orders", "users")] == [9132, 9148]


def test_a_running_stack_stays_in_its_place_with_the_ports_that_its_programs_have(root: Path) -> None:
    state = root / ".portico"
    for folder in ("run", "programs"):
        (state / folder).mkdir(parents=True)
    (state / "run/place.json").write_text('{"port": 9000, "bind": "127.0.0.1"}')
    (state / "programs/users-1.conf").write_text("command='sh' 'PORT=9300' 'python'")
    layout = settled(Layout.read(root, {"PORT": "8000"}))
    assert (layout.port, layout.slot("users", 2), layout.slot("orders", 1)) == (9000, 9301, 9116)


def test_a_folder_whose_socket_path_is_too_long_is_refused(root: Path) -> None:
    with pytest.raises(Refusal, match="set PORTICO_STATE to a shorter folder"):
        Layout.read(root, {"PORTICO_STATE": "/" + "x" * 100})
