"""deploy/docker/place.py: whom a name belongs to, and which range of addresses is free."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.docker import place
from deploy.docker.place import Holder, Place
from deploy.engine import Refusal


@dataclass
class Known:
    """A Docker that holds what a test says."""

    holders: dict[str, Holder] = field(default_factory=dict)
    ranges: dict[str, list[str]] = field(default_factory=dict)
    ways: list[str] = field(default_factory=list)

    def holder(self, project: str) -> Holder:
        return self.holders.get(project, Holder())

    def networks(self) -> Mapping[str, list[IPv4Network]]:
        return {name: [IPv4Network(each) for each in ranges] for name, ranges in self.ranges.items()}

    def routes(self) -> Iterable[IPv4Network]:
        return [IPv4Network(each) for each in self.ways]


def made_by(*folders: Path) -> Holder:
    return Holder(frozenset(map(str, folders)), there=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def state(root: Path) -> Path:
    return root / ".portico/docker"


def started(root: Path) -> None:
    """As a stack of before has left it: with secrets, and nothing remembered."""
    (state(root) / "secrets").mkdir(parents=True)


def find(root: Path, docker: Known, **asked: str) -> Place:
    return place.find(root, state(root), asked, docker)


def settle(root: Path, docker: Known, **asked: str) -> Place:
    return place.settle(state(root), find(root, docker, **asked), asked, docker)


def test_the_first_checkout_on_a_docker_has_the_usual_place(root: Path) -> None:
    assert find(root, Known()) == Place("portico", "10.250.250.0/24")


def test_a_second_checkout_is_another_stack_and_says_whose_the_name_is(root: Path, other: Path) -> None:
    found = find(root, Known({"portico": made_by(other)}))
    assert found.project == "portico-my-shop"
    assert str(other) in found.why
    assert "PORTICO_PROJECT" in found.why


def test_a_running_stack_of_this_checkout_keeps_its_name(root: Path) -> None:
    started(root)
    assert find(root, Known({"portico": made_by(root)})).project == "portico"


def test_a_second_stack_of_one_checkout_with_a_state_of_its_own_is_another(root: Path, tmp_path: Path) -> None:
    found = place.find(root, tmp_path / "state/docker", {}, Known({"portico": made_by(root)}))
    assert found.project == "portico-my-shop"


def test_what_is_left_of_a_project_is_taken_only_where_something_was_started_before(root: Path) -> None:
    """Volumes don't say who made them."""
    left = Known({"portico": Holder(there=True)})
    assert find(root, left).project == "portico-my-shop"
    started(root)
    assert find(root, left).project == "portico"


def test_containers_of_a_folder_that_is_gone_are_ours_if_we_were_moved(root: Path, tmp_path: Path) -> None:
    gone = Known({"portico": made_by(tmp_path / "gone")})
    assert find(root, gone).project == "portico-my-shop"
    started(root)
    assert find(root, gone).project == "portico"


def test_where_every_readable_name_is_taken_there_is_one_that_is_nobodys(root: Path, other: Path) -> None:
    taken = Known({"portico": made_by(other), "portico-my-shop": made_by(other)})
    name = find(root, taken).project
    assert name.startswith("portico-my-shop-")
    assert name == find(root, taken).project


@pytest.mark.parametrize(
    ("folder", "name"),
    [("portico-2", "portico-2"), ("portico", "portico-portico"), ("__", None), ("\u00e9t\u00e9", "portico-t")],
)
def test_a_name_is_one_that_compose_and_images_take(folder: str, name: str | None, tmp_path: Path, other: Path) -> None:
    root = tmp_path / folder
    root.mkdir()
    found = find(root, Known({"portico": made_by(other)})).project
    assert found == name if name else found.startswith("portico-")


def test_a_name_is_remembered_whoever_comes_later(root: Path, other: Path) -> None:
    settle(root, Known())
    assert find(root, Known({"portico": made_by(other)})).project == "portico"
    assert (state(root) / "place.json").stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_asked_for_wins_and_stays(root: Path) -> None:
    settle(root, Known())
    assert settle(root, Known(), PORTICO_PROJECT="mine").project == "mine"
    assert find(root, Known()).project == "mine"
    assert find(root, Known(), PORTICO_PROJECT="another").project == "another"


def test_a_copy_of_a_checkout_is_not_the_checkout(root: Path, tmp_path: Path) -> None:
    started(root)
    settle(root, Known())
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    assert find(copy, Known({"portico": made_by(root)})).project == "portico-copy"
    assert find(copy, Known({"portico": Holder(there=True)})).project == "portico-copy"


def test_a_checkout_that_was_moved_is_what_it_was(root: Path, other: Path, tmp_path: Path) -> None:
    settle(root, Known({"portico": made_by(other)}))
    moved = root.rename(tmp_path / "elsewhere")
    assert find(moved, Known()).project == "portico-my-shop"


def test_the_range_of_a_network_that_is_there_stays(root: Path) -> None:
    running = Known(ranges={"portico_front": ["172.30.9.0/24"]})
    assert find(root, running).subnet == settle(root, running).subnet == "172.30.9.0/24"
    assert find(root, Known()).subnet == "172.30.9.0/24"


def test_a_range_that_somebody_has_taken_meanwhile_is_chosen_anew(root: Path) -> None:
    had = settle(root, Known()).subnet
    again = settle(root, Known(ranges={"others": [had]})).subnet
    assert not IPv4Network(had).overlaps(IPv4Network(again))


def test_two_stacks_that_start_at_once_look_elsewhere(root: Path, other: Path) -> None:
    taken = Known({"portico": made_by(root.parent)})
    assert find(root, taken).subnet != find(other, taken).subnet != find(other, Known()).subnet


def test_a_range_that_is_asked_for_wins(root: Path) -> None:
    told = {"FRONT_SUBNET": "10.9.8.0/24"}
    assert settle(root, Known(ranges={"portico_front": ["172.30.9.0/24"]}), **told).subnet == "10.9.8.0/24"


@pytest.mark.parametrize("text", ["ten", "10.9.8.1/24", "fd00::/64"])
def test_what_is_no_range_is_refused_with_one_that_is(root: Path, text: str) -> None:
    with pytest.raises(Refusal, match=r"FRONT_SUBNET: .* as in 10\.9\.8\.0/24"):
        find(root, Known(), FRONT_SUBNET=text)


def test_a_way_to_all_of_ten_leaves_ranges_elsewhere(root: Path) -> None:
    found = settle(root, Known(ways=["10.0.0.0/8"]), PORTICO_PROJECT="mine").subnet
    assert not IPv4Network(found).overlaps(IPv4Network("10.0.0.0/8"))


def test_where_nothing_is_free_the_next_step_is_said(root: Path) -> None:
    with pytest.raises(Refusal, match="FRONT_SUBNET="):
        settle(root, Known(ways=["0.0.0.0/1", "128.0.0.0/1"]))


RANGES = st.builds(
    lambda net, bits: str(IPv4Network((net, bits), strict=False)),
    st.sampled_from([0x0AFA0000, 0xAC1E0000]).flatmap(lambda base: st.integers(base, base + 65_535)),
    st.integers(8, 30),
)


@given(st.lists(RANGES, max_size=12), st.lists(RANGES, max_size=12), st.sampled_from(["", "mine", "theirs"]))
def test_whatever_others_have_the_range_is_nobodys(networks: list[str], ways: list[str], name: str) -> None:
    asked = {"PORTICO_PROJECT": name} if name else {}
    with TemporaryDirectory() as folder:
        found = settle(Path(folder), Known(ranges={"others": networks}, ways=ways), **asked)
    assert not any(IPv4Network(found.subnet).overlaps(IPv4Network(each)) for each in (*networks, *ways))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"subnet": "x"}', "\x00"])
def test_what_nobody_has_written_is_refused_with_the_way_out(root: Path, text: str) -> None:
    state(root).mkdir(parents=True)
    (state(root) / "place.json").write_text(text)
    with pytest.raises(Refusal, match=r"place\.json .*PORTICO_PROJECT=NAME just up"):
        find(root, Known())


def test_what_is_remembered_is_written_whole(root: Path) -> None:
    settle(root, Known())
    assert json.loads((state(root) / "place.json").read_text())["project"] == "portico"
    assert [file.name for file in state(root).iterdir()] == ["place.json"]
