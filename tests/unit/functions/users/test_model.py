"""functions/users/model.py: what may be asked, and when two emails are one."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import to_builtins

from functions.users import model
from functions.users.apikeys import model as apikeys
from functions.users.model import Email, NewUser, Password, User, new_user
from runtime.http.problem import Kind
from runtime.http.validation import Invalid, convert
from runtime.manifest import Manifest

ADDRESS = st.builds(
    "{}@{}.{}".format,
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
    st.sampled_from(["example", "Example", "org", "bücher"]),
)


def key(text: str) -> str:
    return Email.parse(text).key


def taken(address: str) -> bool:
    """Whether it is an address: compatibility forms of one character may be long, or hold a blank."""
    with contextlib.suppress(ValueError):
        return bool(key(address))
    return False


def pointers(body: object) -> set[str]:
    with pytest.raises(Invalid) as refused:
        convert(body, NewUser)
    return {fault.pointer for fault in refused.value.faults}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.org", "ANN@EXAMPLE.ORG"),
        ("straße@example.org", "STRASSE@example.org"),
        ("josé@example.org", "jose\u0301@example.org"),
        ("ann\uff20example.org", "ann@example.org"),
        ("ﬁona@example.org", "fiona@example.org"),
        ("σοφος@example.org", "ΣΟΦΟΣ@example.org"),
        ("ann@bücher.example", "ann@XN--BCHER-KVA.example"),
        ("ann@example。org", "ann@example.org"),
    ],
)
def test_two_spellings_of_one_address_are_compared_as_equal(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.org", "\u0430nn@example.org"),  # a Cyrillic letter: it looks alike, and another person may own it
        ("ann@example.org", "ann+shop@example.org"),
        ("a.nn@example.org", "ann@example.org"),
    ],
)
def test_what_another_person_may_own_is_another_address(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@example",
        "ann@example.",
        "ann@.org",
        "ann@a..org",
        "ann@-a.org",
        "ann@exa_mple.org",
        "ann@bob@example.org",
        "ann\uff20bob@example.org",
        " ann@example.org",
        "ann@example.org\n",
        "a nn@example.org",
        "a\u200bnn@example.org",
        "a\x00nn@example.org",
        "a\u00a8nn@example.org",  # its compatibility form holds a blank
        *(f"ann{sign}@example.org" for sign in "\ufe0f\u034f\u3164\u1160\uffa0\u180b\u17b4\u2800\U000e0100"),
        "a" * 65 + "@example.org",
        "ann@" + "a" * 64 + ".org",
        "ann@" + "abcdefgh." * 28 + "org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an email"):
        Email.parse(text)


def test_the_longest_address_is_taken() -> None:
    longest = "a" * 64 + "@" + "abcdefgh." * 20 + "abcdefghi"
    assert Email.parse(longest) == longest
    assert len(longest) == 254


@given(ADDRESS)
def test_the_compared_form_of_a_compared_form_is_itself(address: str) -> None:
    assume(taken(address))
    assert key(key(address)) == key(address)


@given(ADDRESS)
def test_case_makes_no_second_account(address: str) -> None:
    assume(taken(address))
    assert key(address.casefold()) == key(address)


@given(st.text(max_size=300) | ADDRESS)
def test_any_text_is_kept_as_its_owner_writes_it_or_is_refused_in_a_sentence(text: str) -> None:
    try:
        kept: str = Email.parse(text)
    except ValueError as refused:
        kept = str(refused)
    assert kept == text or kept.startswith("an email")


@pytest.mark.parametrize("length", [12, 128])
def test_a_password_of_12_to_128_characters_is_taken_as_it_is(length: int) -> None:
    assert Password.parse("é" * length) == "é" * length


@pytest.mark.parametrize("length", [0, 11, 129])
def test_a_shorter_or_longer_password_is_refused_without_being_shown(length: int) -> None:
    with pytest.raises(ValueError, match="12 to 128 characters") as refused:
        Password.parse("é" * length)
    assert "éé" not in str(refused.value)


def test_a_password_is_not_seen_where_its_request_is_shown() -> None:
    asked = NewUser(Email.parse("ann@example.org"), "Ann", Password.parse("correct horse battery"))
    assert "horse" not in repr(asked)


def test_a_password_hash_is_not_seen_where_a_user_is_shown() -> None:
    asked = NewUser(Email.parse("ann@example.org"), "Ann", Password.parse("correct horse battery"))
    assert "argon2" not in repr(new_user("1", asked, "$argon2id$", 0))


@pytest.mark.parametrize("name", ["A", "Ann", "x" * 100, "Zoë 🙂", "李小龍"])
def test_a_name_is_any_text_that_can_be_seen(name: str) -> None:
    body = {"email": "ann@example.org", "name": name, "password": "correct horse battery"}
    assert convert(body, NewUser).name == name


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00", "a\x7f", "a\u2028b", "Ann\n", 1, None, ["Ann"]])
def test_a_name_that_cannot_be_shown_on_a_line_is_refused(name: object) -> None:
    assert pointers({"email": "ann@example.org", "name": name, "password": "correct horse battery"}) == {"/name"}


def test_every_fault_of_a_body_is_told_at_once() -> None:
    body = {"email": "ann", "name": "", "password": "short", "role": "admin"}
    assert pointers(body) == {"/email", "/name", "/password", "/role"}
    assert pointers({}) == {"/email", "/name", "/password"}
    assert pointers([]) == {""}


def test_a_user_is_shown_in_private_with_everything_but_the_password_and_in_public_by_name_alone() -> None:
    user = User("1", "Ann@example.org", "ann@example.org", "Ann", "user", "$argon2id$", 1, 0, 0)
    shown = {"id": "1", "name": "Ann", "created_at": "1970-01-01T00:00:00.000Z"}
    assert to_builtins(user.public()) == shown
    assert to_builtins(user.private()) == shown | {"email": "Ann@example.org", "role": "user"}


def test_every_problem_of_the_function_is_explained_in_its_manifest() -> None:
    kinds = {value.slug for value in {**vars(model), **vars(apikeys)}.values() if isinstance(value, Kind)}
    assert Manifest.read(Path("functions/users")).problems.keys() == kinds
