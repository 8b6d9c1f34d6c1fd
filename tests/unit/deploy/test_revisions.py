"""Revisions on disk: what is kept, what is pointed to, and what goes."""

import os
from pathlib import Path

import pytest

from deploy.revisions import Revisions
from functions.gateway.revisions import whole


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "functions" / "users").mkdir(parents=True)
    edit(tmp_path / "functions", 0)
    return tmp_path / "functions"


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    return Revisions(tmp_path / "manifests")


def edit(checkout: Path, number: int) -> None:
    body = f'[[route]]\nmatch = "PUT /a"\nbody = "{65 + number}KiB"\n'
    (checkout / "users" / "function.toml").write_text(f'name = "users"\n[app]\nmodule = "a"\n{body}')


def test_what_is_taken_stays_as_it_was(revisions: Revisions, checkout: Path) -> None:
    first = revisions.take(checkout)
    assert revisions.take(checkout) == first
    edit(checkout, 1)
    assert revisions.take(checkout) != first
    assert whole(revisions.folder, first)


def test_what_was_half_written_is_written_anew(revisions: Revisions, checkout: Path) -> None:
    first = revisions.take(checkout)
    (revisions.path(first) / "users" / "function.toml").write_text("half")
    (revisions.folder / ".fresh" / "users").mkdir(parents=True)
    assert revisions.take(checkout) == first
    assert whole(revisions.folder, first)


def test_whoever_runs_gateways_may_read_them(revisions: Revisions, checkout: Path) -> None:
    umask = os.umask(0o077)
    try:
        first = revisions.take(checkout)
    finally:
        os.umask(umask)
    for place in (revisions.folder, *revisions.folder.rglob("*")):
        assert place.stat().st_mode & 0o777 == (0o755 if place.is_dir() else 0o644)
    assert "PUT" not in revisions.bodies(first)
    assert "client_max_body_size 66560;" in revisions.bodies(first)


def test_of_none_nginx_reads_nothing(revisions: Revisions) -> None:
    assert (revisions.current, revisions.previous, revisions.bodies("")) == ("", "", "")


def test_pointers_are_moved_at_once_and_may_be_taken_away(revisions: Revisions, checkout: Path) -> None:
    first = revisions.take(checkout)
    revisions.serve(first)
    revisions.remember(first)
    edit(checkout, 1)
    second = revisions.take(checkout)
    revisions.serve(second)
    assert (revisions.current, revisions.previous) == (second, first)
    revisions.remember("")
    assert revisions.previous == ""


def test_the_oldest_go_and_what_is_pointed_to_stays(revisions: Revisions, checkout: Path) -> None:
    made = []
    for number in range(20):
        edit(checkout, number)
        made.append(revisions.take(checkout))
        os.utime(revisions.path(made[-1]), (number, number))
    revisions.serve(made[3])
    revisions.remember(made[1])
    revisions.prune()
    kept = {each.name for each in revisions.folder.iterdir() if not each.is_symlink()}
    assert kept == {made[1], made[3], *made[-8:]}
