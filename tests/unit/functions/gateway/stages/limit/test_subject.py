"""Whose bucket it is: no two subjects share one, and nobody has two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.exchange import Exchange
from functions.gateway.stages.limit import subject
from functions.gateway.stages.limit.subject import Key, key
from runtime.identity.verifier import Principal
from tests.exchanges import exchange

BY = ("address", "principal", "route")
clients = st.one_of(st.ip_addresses().map(str), st.sampled_from(["", "unix:", "192.0.2.1"]))
subjects = st.tuples(clients, st.none() | st.sampled_from(["u1", "u2", "192.0.2.1", "address 192.0.2.1"]))


def asking(client: str, principal: str | None = None) -> Exchange:
    made = exchange()
    made.client = client
    made.principal = Principal(principal, "member", "s", 0, 0.0) if principal else None
    return made


def apart(by_principal: Key, one: str, other: str) -> bool:
    return by_principal(asking("192.0.2.1", one)) != by_principal(asking("192.0.2.1", other))


def test_principals_behind_one_address_have_buckets_of_their_own() -> None:
    assert apart(key("users GET /a", "default", "principal"), "u1", "u2")


def test_a_principal_left_out_of_the_key_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(subject._SUBJECTS, "principal", subject.address)
    assert not apart(key("users GET /a", "default", "principal"), "u1", "u2")


def test_a_principal_has_one_bucket_wherever_it_comes_from() -> None:
    by_principal = key("users GET /a", "default", "principal")
    assert by_principal(asking("192.0.2.1", "u1")) == by_principal(asking("192.0.2.2", "u1"))


def test_an_address_has_one_bucket_whoever_it_claims_to_be() -> None:
    by_address = key("users GET /a", "default", "address")
    assert by_address(asking("192.0.2.1", "u1")) == by_address(asking("192.0.2.1", "u2"))


def test_a_route_has_one_bucket_for_all() -> None:
    by_route = key("users GET /a", "default", "route")
    assert by_route(asking("192.0.2.1", "u1")) == by_route(asking("2001:db8::1"))


@given(st.sampled_from(["users GET /a", "users GET /b"]), st.sampled_from(["default", "daily"]), st.sampled_from(BY))
def test_no_two_rules_share_a_bucket(route: str, name: str, by: str) -> None:
    made = key(route, name, by)(asking("192.0.2.1", "u1"))
    others = {
        key(*other)(asking("192.0.2.1", "u1"))
        for other in [
            (each, called, whose)
            for each in ("users GET /a", "users GET /b")
            for called in ("default", "daily")
            for whose in BY
        ]
        if other != (route, name, by)
    }
    assert made not in others


@pytest.mark.parametrize(
    ("client", "known"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_is_counted_as(client: str, known: str) -> None:
    assert subject.address(asking(client)) == known


@given(subjects, subjects)
def test_who_is_not_the_same_shares_no_bucket_by_principal(
    one: tuple[str, str | None], other: tuple[str, str | None]
) -> None:
    by_principal = key("users GET /a", "default", "principal")
    if one[1] != other[1] and "address 192.0.2.1" not in (one[1], other[1]):
        assert by_principal(asking(*one)) != by_principal(asking(*other))
