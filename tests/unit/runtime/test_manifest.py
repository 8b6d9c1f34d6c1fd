"""runtime/manifest.py: function.toml -> frozen structs."""

import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.http.url import Url
from runtime.manifest import FILE, Manifest, ManifestError, Policy, read_all, run_here
from runtime.units import Duration, Limit, Rule, Size

USERS = """
name = "users"

[app]
module = "functions.users.app"

[defaults]
deadline = "2s"
retries = 2

[[route]]
match = "GET /users/{id}"
auth = "public"
limit = "100/1m burst 20"

[[route]]
match = "DELETE /"
body = "16KiB"
idempotency = "honoured"
"""


def write(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def placed(folder: Path, text: str | bytes) -> list[str]:
    """What is wrong, each line without the name of the file, that it begins with."""
    with pytest.raises(ManifestError) as refused:
        Manifest.read(write(folder, text))
    begin = f"{folder / FILE}:"
    assert all(line.startswith(begin) for line in refused.value.lines)
    return [line.removeprefix(begin) for line in refused.value.lines]


def faults(folder: Path, text: str | bytes) -> list[str]:
    """The same without the line."""
    return [re.sub(r"^\d* ?:? ", "", line) for line in placed(folder, text)]


def route(folder: Path, line: str) -> list[str]:
    return faults(folder, f'name = "a"\n[app]\nmodule = "a"\n[[route]]\n{line}')


def test_a_manifest_is_read_whole(tmp_path: Path) -> None:
    manifest = Manifest.read(write(tmp_path, USERS))
    assert manifest.app is not None
    assert (manifest.name, manifest.app.module, manifest.app.callable) == (
        "users",
        "functions.users.app",
        "application",
    )
    assert [(route.method, route.path) for route in manifest.route] == [("GET", "/users/{id}"), ("DELETE", "/")]
    assert (manifest.route[0].limit, manifest.route[1].body) == (Rule(Limit(100, 60, 20)), Size(16_384))


def test_a_route_says_more_than_the_defaults_and_they_more_than_the_gateway(tmp_path: Path) -> None:
    manifest = Manifest.read(write(tmp_path, USERS))
    policy = manifest.route[0].over(manifest.defaults).over(Policy(auth="bearer", retries=1, body=Size(9)))
    assert (policy.auth, policy.deadline, policy.retries, policy.body) == ("public", Duration(2), 2, 9)


def test_every_fault_comes_at_once_with_file_and_key(tmp_path: Path) -> None:
    broken = """
    name = "Users!"
    timeout = 5
    [app]
    modul = "x"
    [defaults]
    deadline = "soon"
    [[route]]
    match = "GET /a"
    auth = "basic"
    [[route]]
    match = "FETCH /b"
    limit = "many"
    retries = -1
    """
    keys = [line.split(": ")[0] for line in faults(tmp_path, broken)]
    top = {"name", "timeout", "app.modul", "app.module", "defaults.deadline"}
    assert set(keys) == top | {"route[0].auth", "route[1].match", "route[1].limit", "route[1].retries"}
    assert len(keys) == len(set(keys))


def test_a_misspelt_policy_is_told_the_right_one(tmp_path: Path) -> None:
    assert route(tmp_path, 'match = "GET /a"\nlimmit = "1/1s"') == [
        "route[0].limmit: is not known here; did you mean `limit`?"
    ]


def test_a_fault_is_told_with_the_line_that_an_editor_opens(tmp_path: Path) -> None:
    broken = """
# deadline = "5s"
name = "a"
app = { module = "a", calable = "b" }
[defaults]
dedline = "5s"
[[route]]
match = "GET /a"
failures = [
    500,
    501,
]
[[route]]
limits.often = "1/1s"
"""
    assert placed(tmp_path, broken) == [
        "4: app.calable: is not known here; did you mean `callable`?",
        "6: defaults.dedline: is not known here; did you mean `deadline`?",
        "11: route[0].failures[1]: is none of `500`, `502`, `503`, `504`",
        "13: route[1].match: is required",
    ]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("things", '"\\u001b[2J" = 1'),
        ("things", '"\\u009b2J\\nfunctions/users: all is well" = 1'),
        ("things", "name = '\x9b'\nnonsense \x9b"),
        ("\x1b[2J\nthings", "nonsense"),
    ],
)
def test_what_a_terminal_would_obey_in_a_fault_is_written_out(tmp_path: Path, place: str, text: str) -> None:
    (tmp_path / place).mkdir()
    (tmp_path / place / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as raised:
        read_all(tmp_path)
    assert all(line.isprintable() for line in raised.value.lines)
    assert str(raised.value) == "\n".join(raised.value.lines)


def test_a_sound_manifest_is_not_searched_for_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "runtime.toml_lines", None)  # who imports it fails
    assert Manifest.read(write(tmp_path, USERS)).name == "users"
    with pytest.raises(ImportError):
        Manifest.read(write(tmp_path, "x = 1"))


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\n\nname = ", 3), ("a = 1\na = 2\n", 2), ("\n= 1", 2), (b"a = 1\nname = '\xff'", 2), ("[a\n]", 1)],
)
def test_what_is_not_toml_is_told_with_the_line_where_reading_ended(
    tmp_path: Path, text: str | bytes, line: int
) -> None:
    (fault,) = placed(tmp_path, text)
    assert fault.startswith(f"{line}: is not TOML: ")


@pytest.mark.parametrize("text", [f"a = {'9' * 5000}", f"a = {'[' * 100_000}"])
def test_what_python_itself_refuses_to_read_is_told_like_any_other(tmp_path: Path, text: str) -> None:
    (fault,) = faults(tmp_path / "a", text)
    assert fault.startswith("is not TOML: ")
    assert run_here(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('deadline = "5s"', "deadline: is not known here; it belongs in [defaults] or a [[route]]"),
        ('match = "GET /a"', "match: is not known here; it belongs in a [[route]]"),
        ("consecutive = 3", "consecutive: is not known here; it belongs in [circuit]"),
        (
            '[defaults]\nsmoke = "/a"',
            "defaults.smoke: is not known here; it belongs in the file's first lines, above every [table]",
        ),
        ('[defaults]\nDEADLINE = "5s"', "defaults.DEADLINE: is not known here; did you mean `deadline`?"),
    ],
)
def test_a_key_that_belongs_elsewhere_is_told_where(tmp_path: Path, line: str, told: str) -> None:
    assert told in faults(tmp_path, f'name = "a"\n{line}')


def test_limits_have_names_and_each_is_read_by_itself(tmp_path: Path) -> None:
    text = """
    match = "GET /a"
    limits = { daily = "1000/1d", flood = "300/1m by address", all = "often", some = "1/1s by nobody" }
    """
    assert [line.split(": ")[0] for line in route(tmp_path, text)] == ["route[0].limits.all", "route[0].limits.some"]


def test_a_name_that_no_header_could_carry_is_refused(tmp_path: Path) -> None:
    (line,) = route(tmp_path, 'match = "GET /a"\nlimits = { "a b" = "1/1s" }')
    assert line.startswith("route[0].limits.a b: write names of at most 31 lower-case letters")


def test_what_becomes_of_limits_while_their_store_is_away_is_one_of_three(tmp_path: Path) -> None:
    (line,) = route(tmp_path, 'match = "GET /a"\non_store_failure = "shut"')
    assert line.startswith("route[0].on_store_failure: is none of `local`, `open`, `closed`")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('idempotency = "honored"', "idempotency: `honored` is not known here; did you mean `honoured`?"),
        ('auth = "basic"', "auth: is none of `public`, `bearer`"),
        ("auth = 5", "auth: is none of `public`, `bearer`"),
        ("failures = [501]", "failures[0]: is none of `500`, `502`, `503`, `504`"),
    ],
)
def test_a_word_that_may_not_stand_there_is_told_those_that_may(tmp_path: Path, line: str, told: str) -> None:
    assert route(tmp_path, f'match = "GET /a"\n{line}') == [f"route[0].{told}"]


@pytest.mark.parametrize(
    "match",
    [
        "",
        "GET",
        "GET users",
        "get /a",
        "GET /a?b",
        "GET /a/",
        "GET //a",
        "GET /{ID}",
        "GET /a{b}",
        "GET  /a",
        "HEAD /a",
        "GET /%61",
        "GET /a\\n",
        "GET /{a...}",
        "GET /a/{b...}/c",
        "GET /a/{...}",
    ],
)
def test_what_is_no_method_and_path_is_shown_a_right_one(tmp_path: Path, match: str) -> None:
    assert route(tmp_path, f'match = "{match}"') == [
        "route[0].match: write a method and a path, as in `GET /things/{id}`"
    ]


def test_a_service_may_be_asked_with_webdavs_and_upnps_methods(tmp_path: Path) -> None:
    routes = Manifest.read(write(tmp_path, USERS.replace("GET /users/{id}", "M-SEARCH /users/{id}"))).route
    assert (routes[0].method, routes[0].path) == ("M-SEARCH", "/users/{id}")


def test_a_path_may_end_in_a_rest(tmp_path: Path) -> None:
    text = USERS.replace("GET /users/{id}", "GET /users/{id}/{rest...}")
    assert Manifest.read(write(tmp_path, text)).route[0].path == "/users/{id}/{rest...}"


def test_a_service_of_others_has_an_upstream_in_place_of_an_app(tmp_path: Path) -> None:
    manifest = Manifest.read(write(tmp_path, 'name = "a"\n[upstream]\nurl = "https://api.example.com"'))
    assert manifest.upstream is not None
    assert (manifest.app, manifest.upstream.url) == (None, Url.parse("https://api.example.com"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "app: is required, or upstream where the service is run by others; not both"),
        (
            '[app]\nmodule = "a"\n[upstream]\nurl = "http://a"',
            "app: is required, or upstream where the service is run by others; not both",
        ),
        (
            '[upstream]\nurl = "http://a/b"',
            "upstream.url: `http://a/b` is no service's origin; write `http://10.0.0.7:9000` or `https://example.com`",
        ),
    ],
)
def test_it_is_one_or_the_other_and_an_origin(tmp_path: Path, text: str, told: str) -> None:
    assert faults(tmp_path, f'name = "a"\n{text}') == [told]


def test_what_is_run_here_is_known_though_its_manifest_is_faulty(tmp_path: Path) -> None:
    for name, text in {"a": "", "b": "[upstream]", "c": "=", "d": USERS}.items():
        write(tmp_path / name, text)
    assert run_here(tmp_path) == ["a", "c", "d"]


def test_a_name_may_not_end_in_a_newline(tmp_path: Path) -> None:
    assert faults(tmp_path, 'name = "a\\n"\n[app]\nmodule = "a"') == [
        "name: write at most 31 lower-case letters, digits and hyphens, as in `users`"
    ]


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as refused:
        Manifest.read(tmp_path / "nowhere")
    assert refused.value.lines == [f"{tmp_path / 'nowhere' / FILE}: cannot be read: No such file or directory"]


@pytest.mark.parametrize("make", [os.mkfifo, lambda place: Path(place).symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_waited_for(make: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "pipe").mkdir()
    make(tmp_path / "pipe" / FILE)
    with pytest.raises(ManifestError) as refused:
        read_all(tmp_path)
    assert refused.value.lines == [f"{tmp_path / 'pipe' / FILE}: cannot be read: it is no file"]
    assert run_here(tmp_path) == ["pipe"]


@pytest.mark.parametrize("text", ["name = ", "= 1", b"name = '\xff'", "\ufeffname = 'a'", "a = 1\na = 2"])
def test_what_is_not_toml_is_told_in_one_line(tmp_path: Path, text: str | bytes) -> None:
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("is not TOML: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_junk_is_a_manifest_error_and_nothing_else(tmp_path: Path, junk: bytes) -> None:
    assert faults(tmp_path, junk)


def test_all_manifests_are_read_by_name(tmp_path: Path) -> None:
    write(tmp_path / "b", USERS)
    write(tmp_path / "a", USERS.replace('"users"', '"accounts"'))
    (tmp_path / "c").mkdir()
    assert [manifest.name for manifest in read_all(tmp_path)] == ["accounts", "users"]


def test_the_faults_of_all_manifests_come_at_once(tmp_path: Path) -> None:
    write(tmp_path / "a", "x = 1")
    write(tmp_path / "b", USERS)
    write(tmp_path / "c", "=")
    with pytest.raises(SystemExit) as refused:
        read_all(tmp_path)
    assert {Path(line.split(":")[0]).parent.name for line in str(refused.value).splitlines()} == {"a", "c"}


@pytest.mark.parametrize("prefix", ["", "_", "acme", "Acme_", "a-b_", "1_", "x" * 20 + "_"])
def test_keys_begin_so_that_nothing_else_does(tmp_path: Path, prefix: str) -> None:
    text = f'name = "a"\n[app]\nmodule = "a"\n[api_keys]\nprefix = "{prefix}"\nswap = "/a"\n'
    (line,) = faults(tmp_path, text)
    assert line.startswith("api_keys.prefix: write ")


# A fault at any key of the schema, in a file that is written in any way.

Keys = tuple[str, ...]
BAD = '[["wrong"]]'  # no key takes that
SOUND = {("name",): '"a"', ("app", "module"): '"a"', ("route", "match"): '"GET /a"', ("upstream", "url"): '"http://a"'}
SOUND |= {("api_keys", "prefix"): '"a_"', ("api_keys", "swap"): '"/a"'}
NOISE = st.sampled_from(["", "# name = [", '\t# [[route]] """', "  "])
LONG = ['"""\n[[route]]\nname = 1 # \\"""\n"""', "'''\n[defaults]\n'''", '"# = [" # ]']


def keys(struct: type[msgspec.Struct], above: Keys = ()) -> Iterator[Keys]:
    """Every key that a manifest may have; of what has names of its author's choice, one."""
    for info in msgspec.structs.fields(struct):
        path = (*above, info.encode_name)
        inner = [each for each in (info.type, *get_args(info.type)) if get_origin(each) is dict]
        nested = [each for each in (info.type, *get_args(info.type)) if isinstance(each, type)]
        structs = [each for each in nested if issubclass(each, msgspec.Struct)]
        yield path
        for each in structs:
            yield from keys(each, path)
        if inner:
            yield (*path, "own")


EVERY = [*keys(Manifest)]


def spelt(name: str, draw: st.DrawFn) -> str:
    return draw(st.sampled_from([name, f'"{name}"', f"'{name}'", f'"\\u{ord(name[0]):04x}{name[1:]}"']))


def entries(table: str, bad: Keys, index: int) -> dict[Keys, str]:
    """What one table has: what it must, and what is wrong with it, if that is here."""
    found = {key[1:]: text for key, text in SOUND.items() if key[0] == table and len(key) > 1}
    return found | ({bad[1:]: BAD} if bad[0] == table and len(bad) > 1 and index == 0 else {})


@st.composite
def files(draw: st.DrawFn) -> tuple[Keys, str]:
    """A key, and a manifest in which it is wrong."""
    bad = draw(st.sampled_from(EVERY))
    first = [f"{spelt('name', draw)} = {BAD if bad == ('name',) else SOUND['name',]}"]
    first += [f"{spelt(bad[0], draw)} = {BAD}"] if len(bad) == 1 and bad != ("name",) else []
    wanted = {"app"} | ({bad[0]} if len(bad) > 1 else set())
    parts: list[list[str]] = []
    for table in sorted(wanted - {bad[0] if len(bad) == 1 else ""}):
        for index in range(2 if table == "route" else 1):
            written = entries(table, bad, index)
            pairs = [f"{'.'.join(spelt(step, draw) for step in key)} = {text}" for key, text in written.items()]
            name = spelt(table, draw)
            if table != "route" and draw(st.booleans()):
                first.append(f"{name} = {{ {', '.join(pairs)} }}")
            else:
                parts.append([f"[[ {name} ]]" if table == "route" else f"[{name}] # x", *draw(st.permutations(pairs))])
    if bad[0] != "problems":
        parts.append(["[problems]", f"x = {draw(st.sampled_from(LONG))}"])
    order = [*draw(st.permutations(first)), *(line for part in draw(st.permutations(parts)) for line in part)]
    return bad, "".join(f"{noise}\n{line}\n" for line in order for noise in [draw(NOISE)])


@given(files())
def test_a_fault_at_any_key_names_its_line_however_the_file_is_written(made: tuple[Keys, str]) -> None:
    bad, text = made
    tomllib.loads(text)
    line = 1 + next(number for number, content in enumerate(text.split("\n")) if BAD in content)
    begin = f"{line}: {'.'.join(bad)}"
    with TemporaryDirectory() as folder:
        told = [re.sub(r"\[[01]\]", "", each) for each in placed(Path(folder), text)]
    assert any(each.startswith(f"{begin}: ") for each in told), told
