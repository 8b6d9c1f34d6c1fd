from pathlib import Path

import pytest

from deploy.local.releases import Pointers, Releases


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in (
        "runtime/http/api.py",
        "functions/users/app.py",
        "functions/users/function.toml",
        "functions/gateway/a.py",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("one")
    return tmp_path


@pytest.fixture
def releases(root: Path) -> Releases:
    return Releases(root, root / "releases")


def held(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_a_release_is_the_runtime_and_one_function_and_nobody_elses_manifest(releases: Releases) -> None:
    users, gateway = (releases.path(name, releases.take(name)) for name in ("users", "gateway"))
    assert held(users) == ["functions/users/app.py", "functions/users/function.toml", "runtime/http/api.py"]
    assert held(gateway) == ["functions/gateway/a.py", "runtime/http/api.py"]


def test_an_edit_does_not_reach_a_release(releases: Releases, root: Path) -> None:
    before = releases.take("users")
    (root / "functions/users/app.py").write_text("two")
    assert (releases.path("users", before) / "functions/users/app.py").read_text() == "one"
    assert releases.take("users") != before


def test_what_is_adopted_is_current_and_what_it_replaced_previous(releases: Releases, root: Path) -> None:
    first = releases.take("users")
    assert releases.adopt({"users": first}) == ["users"]
    assert releases.pointers("users") == Pointers(first, "")
    (root / "functions/users/app.py").write_text("two")
    second = releases.take("users")
    releases.adopt({"users": second})
    assert releases.pointers("users") == Pointers(second, first)
    assert (releases.path("users", "current") / "functions/users/app.py").read_text() == "two"


def test_adopting_what_is_current_changes_nothing(releases: Releases, root: Path) -> None:
    releases.adopt({"users": releases.take("users")})
    (root / "functions/users/app.py").write_text("two")
    releases.adopt({"users": releases.take("users")})
    before = releases.pointers("users")
    assert releases.adopt({"users": releases.take("users")}) == []
    assert releases.pointers("users") == before


def test_previous_is_what_the_last_deploy_replaced_and_nothing_older(releases: Releases, root: Path) -> None:
    def everything() -> dict[str, str]:
        return {name: releases.take(name) for name in ("users", "gateway")}

    releases.adopt(everything())
    (root / "functions/users/app.py").write_text("two")
    releases.adopt(everything())
    (root / "functions/gateway/a.py").write_text("two")
    assert releases.adopt(everything()) == ["gateway"]
    assert releases.pointers("gateway").previous
    assert not releases.pointers("users").previous


def test_releases_that_nothing_points_to_are_deleted(releases: Releases, root: Path) -> None:
    taken = []
    for text in ("one", "two", "three"):
        (root / "functions/users/app.py").write_text(text)
        taken.append(releases.take("users"))
        releases.adopt({"users": taken[-1]})
    releases.prune("users")
    assert [releases.path("users", digest).exists() for digest in taken] == [False, True, True]
