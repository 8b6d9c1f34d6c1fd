"""runtime/toml_lines.py: a TOML text -> the line of each key."""

import json
import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.toml_lines import Path, lines, nearest

TEXT = '''# [not.a.table]
name = "a = [1]" # = x
"quoted key".'and.another' . bare = 1
[ one . "two" ]  # [[three]]
long = """
[[nothing]]
key = 1 \\""" ""
"""""
literal = \'\'\'
# x = 1'\'\'\'
list = [
  1, # ]
  { a = 1, b.c = [ 2,
    3 ] },
]
date = 1979-05-27 07:32:00
[[rows]]
x = true
[[rows]]
[rows.inner]
y = -1_000.5e3
[[rows.deep]]
[[rows.deep]]
z = ""
[[rows]]
[[rows.deep]]
'''


def test_every_key_has_its_line_whatever_looks_like_one() -> None:
    found = lines(TEXT)
    assert tomllib.loads(TEXT)  # the text is one
    assert found == {
        ("name",): 2,
        ("quoted key",): 3,
        ("quoted key", "and.another"): 3,
        ("quoted key", "and.another", "bare"): 3,
        ("one",): 4,
        ("one", "two"): 4,
        ("one", "two", "long"): 5,
        ("one", "two", "literal"): 9,
        ("one", "two", "list"): 11,
        ("one", "two", "list", 0): 12,
        ("one", "two", "list", 1): 13,
        ("one", "two", "list", 1, "a"): 13,
        ("one", "two", "list", 1, "b"): 13,
        ("one", "two", "list", 1, "b", "c"): 13,
        ("one", "two", "list", 1, "b", "c", 0): 13,
        ("one", "two", "list", 1, "b", "c", 1): 14,
        ("one", "two", "date"): 16,
        ("rows",): 17,
        ("rows", 0): 17,
        ("rows", 0, "x"): 18,
        ("rows", 1): 19,
        ("rows", 1, "inner"): 20,
        ("rows", 1, "inner", "y"): 21,
        ("rows", 1, "deep"): 22,
        ("rows", 1, "deep", 0): 22,
        ("rows", 1, "deep", 1): 23,
        ("rows", 1, "deep", 1, "z"): 24,
        ("rows", 2): 25,
        ("rows", 2, "deep"): 26,
        ("rows", 2, "deep", 0): 26,
    }


@pytest.mark.parametrize(("path", "line"), [((), 1), (("b", 0, "c"), 2), (("b",), 2), (("x",), 1)])
def test_what_is_not_there_is_where_the_table_around_it_is(path: Path, line: int) -> None:
    assert nearest({("a",): 1, ("b",): 2}, path) == line


NAMES = st.one_of(st.sampled_from(["a", "b-1", "_", "1"]), st.text(max_size=4))
TEXTS = st.text(st.sampled_from("ab#[]{}=,.\"'\\\n\t é"), max_size=12)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-9, 9), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BREAKS = st.sampled_from(["", " ", "\n", " # ]}\n", "\r\n\t"])
LINES = st.lists(st.sampled_from(["", "# [a]", '\t# x = """', "   "]), max_size=3)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def name(text: str, draw: st.DrawFn) -> str:
    """A key, written in one of the ways in which it can be."""
    ways = [quoted(text)]
    if text and all(char.isascii() and (char.isalnum() or char in "-_") for char in text):
        ways.append(text)
    if text.isprintable() and "'" not in text:
        ways.append(f"'{text}'")
    return draw(st.sampled_from(ways))


def value(given: object, draw: st.DrawFn) -> str:
    """A value, written in one of the ways in which it can be."""
    if isinstance(given, dict):
        return "{" + ", ".join(f"{name(key, draw)} = {value(each, draw)}" for key, each in given.items()) + "}"
    if isinstance(given, list):
        return "[" + "".join(f"{draw(BREAKS)}{value(each, draw)}{draw(BREAKS)}," for each in given) + draw(BREAKS) + "]"
    if isinstance(given, str):
        ways = [quoted(given), '"""\n' + given.replace("\\", "\\\\").replace('""', '"\\"') + '\\n"""']
        if "'" not in given:
            ways += [f"'''{given}'''"] + ([f"'{given}'"] if "\n" not in given else [])
        return draw(st.sampled_from(ways))
    return json.dumps(given)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Tables and arrays of tables, each with pairs, in no order, with what may stand between."""
    rows = [f"{name(key, draw)} = {value(each, draw)}" for key, each in draw(_TABLE).items()]
    for title, content in draw(st.dictionaries(NAMES.map(lambda text: f"t{text}"), _TABLE, max_size=3)).items():
        for _ in range(draw(st.integers(1, 2)) if (many := draw(st.booleans())) else 1):
            rows += draw(LINES)
            rows.append(f"[[{name(title, draw)}]]" if many else f"[ {name(title, draw)} ]")
            rows += [f"\t{name(key, draw)}\t= {value(each, draw)} # x" for key, each in content.items()]
    return draw(st.sampled_from(["\n", "\r\n"])).join(rows)


_TABLE = st.dictionaries(NAMES.map(lambda text: f"k{text}"), VALUES, max_size=3)


def paths(read: object, above: Path = ()) -> Iterator[Path]:
    """Of everything that tomllib has read."""
    members: list[tuple[str | int, object]] = []
    if isinstance(read, dict):
        members = [*read.items()]
    elif isinstance(read, list):
        members = [*enumerate(read)]
    for step, inner in members:
        yield (*above, step)
        yield from paths(inner, (*above, step))


@given(documents())
def test_whatever_tomllib_reads_every_path_has_a_line_and_none_is_made_up(text: str) -> None:
    found = lines(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())
