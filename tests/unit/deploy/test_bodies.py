"""Which bodies nginx takes, and of which paths."""

import re
from pathlib import Path

import pytest

from deploy.bodies import locations

MIB = 1024**2


def functions(root: Path, **routes: tuple[str, str]) -> Path:
    """A function with these routes; each is a match, and what else it says."""
    folder = root / "files"
    folder.mkdir()
    said = "".join(f"[[route]]\nmatch = {match!r}\n{more}\n" for match, more in routes.values())
    (folder / "function.toml").write_text(f'name = "files"\n[app]\nmodule = "files"\n{said}')
    return root


def taken(text: str) -> dict[str, int]:
    """The largest body by the pattern of its paths."""
    return {path: int(size) for path, size in re.findall(r'location ~ "(\S+)" \{ client_max_body_size (\d+);', text)}


def test_what_is_held_in_memory_needs_no_more_said(tmp_path: Path) -> None:
    assert locations(functions(tmp_path, small=("POST /a", "body = '64KiB'"))) == ""


def test_a_path_takes_what_the_largest_of_its_routes_does(tmp_path: Path) -> None:
    routes = functions(
        tmp_path,
        put=("PUT /a/{id}", "body = '5MiB'"),
        post=("POST /a/{id}", ""),  # the gateway's default, a mebibyte
        get=("GET /a/{id}", "body = '0B'"),
        below=("POST /b.c/{rest...}", ""),
    )
    found = taken(locations(routes))
    assert found == {"^/a/[^/]+$": 5 * MIB, r"^/b\.c/.*$": MIB}


@pytest.mark.parametrize(("size", "files", "of_one"), [("64MiB", 8, 2), ("1MiB", 512, 128)])
def test_how_many_go_to_files_at_once_follows_from_their_size(
    tmp_path: Path, size: str, files: int, of_one: int
) -> None:
    text = locations(functions(tmp_path, put=("PUT /a", f"body = '{size}'")))
    assert {*re.findall(r"limit_conn (\w+) (\d+);", text)} == {("files", f"{files}"), ("files_of_one", f"{of_one}")}


def test_a_keyed_post_is_bound_in_the_same_way(tmp_path: Path) -> None:
    text = locations(functions(tmp_path, post=("POST /a", ""), put=("PUT /b", "body = '2MiB'")))
    for size in (MIB, 2 * MIB):
        assert f"location @keyed_{size} {{ client_max_body_size {size};" in text
        assert f"client_max_body_size {size};" in text.partition(f"$portico_on @keyed_{size};")[0].rpartition("~")[2]


def test_paths_stand_in_the_order_in_which_a_gateway_looks_for_them(tmp_path: Path) -> None:
    routes = functions(
        tmp_path,
        name=("POST /{name}", ""),
        rest=("POST /a/{all...}", ""),
        deep=("POST /a/{one}/{two}", "body = '2MiB'"),
        one=("POST /a/{one}", "body = '3MiB'"),
        other=("PUT /a/{other}", "body = '4MiB'"),
        plain=("POST /a/z", "body = '5MiB'"),
    )
    assert [*taken(locations(routes)).items()] == [
        ("^/a/z$", 5 * MIB),
        ("^/a/[^/]+$", 4 * MIB),
        ("^/a/[^/]+/[^/]+$", 2 * MIB),
        ("^/a/.*$", MIB),
        ("^/[^/]+$", MIB),
    ]


def test_what_can_not_be_read_is_left_to_the_gateway_to_say(tmp_path: Path) -> None:
    (functions(tmp_path, post=("POST /a", "")) / "broken").mkdir()
    (tmp_path / "broken" / "function.toml").write_text("no TOML")
    assert taken(locations(tmp_path)) == {"^/a$": MIB}
