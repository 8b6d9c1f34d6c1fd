from collections import Counter
from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.local.layout import Layout


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
    assert (layout.slot("gateway", 1), layout.slot("orders", 1), layout.slot("users", 16)) == (9100, 9200, 9315)


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


@pytest.mark.parametrize("port", ["0", "-1", "65000", "eighty"])
def test_what_is_no_port_is_refused_with_the_range(root: Path, port: str) -> None:
    with pytest.raises(Refusal, match=f"PORT={port} .* from 1 to 63935"):
        Layout.read(root, {"PORT": port})


def test_a_folder_whose_socket_path_is_too_long_is_refused(root: Path) -> None:
    with pytest.raises(Refusal, match="set PORTICO_STATE to a shorter folder"):
        Layout.read(root, {"PORTICO_STATE": "/" + "x" * 100})
