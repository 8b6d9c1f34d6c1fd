"""What the front door is told: settings in, what nginx is filled in with and a certificate out."""

import ssl
import stat
from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.front import Front, identity, keep

SELF_SIGNED = {"TLS": "self-signed"}


def test_without_a_word_there_is_no_tls_and_nobody_is_trusted() -> None:
    front = Front.read({"BIND": "192.0.2.1"})
    assert (front.tls, front.address, front.plain) == ("", "", "192.0.2.1")
    assert front.variables == {"HSTS": "max-age=31536000", "REAL_IP_FROM": "", "BEHIND": ""}


def test_with_tls_what_has_none_is_for_this_machine_alone() -> None:
    front = Front.read(SELF_SIGNED | {"BIND": "192.0.2.1", "TLS_PORT": "443"})
    assert (front.plain, front.bind, front.address) == ("127.0.0.1", "192.0.2.1", "https://192.0.2.1:443")


def test_where_clients_come_by_ipv6_the_container_has_it_too() -> None:
    """Else Docker has all of them come from one IPv4 address, and each uses up everybody's limits."""
    inside = {"INSIDE": "::", "BOTH": "ipv6only=off", "IPV6": "true"}
    assert Front.read(SELF_SIGNED | {"BIND": "::"}).published == {"BIND": "::", "PLAIN_BIND": "127.0.0.1"} | inside
    assert (
        Front.read({"BIND": "[2001:db8::1]"}).published == {"BIND": "2001:db8::1", "PLAIN_BIND": "2001:db8::1"} | inside
    )
    assert Front.read({"BIND": "192.0.2.1"}).published == {"BIND": "192.0.2.1", "PLAIN_BIND": "192.0.2.1"}


def test_a_browser_should_not_insist_on_a_certificate_that_was_made_to_try() -> None:
    assert Front.read(SELF_SIGNED).hsts == "max-age=0"
    assert Front.read(SELF_SIGNED | {"HSTS": "max-age=5"}).hsts == "max-age=5"
    assert Front.read({"TLS_CERTIFICATE": "a", "TLS_KEY": "b"}).hsts == "max-age=31536000"


def test_proxies_are_networks() -> None:
    told = Front.read({"TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1"}).variables
    assert told["REAL_IP_FROM"] == "set_real_ip_from 10.0.0.0/8; set_real_ip_from 2001:db8::1/128;"
    assert told["BEHIND"] == "10.0.0.0/8 1; 2001:db8::1/128 1;"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"TLS": "on"}, "TLS=on is not known"),
        ({"TLS_KEY": "key.pem"}, "both TLS_CERTIFICATE and TLS_KEY"),
        ({"TLS": "self-signed", "TLS_CERTIFICATE": "a", "TLS_KEY": "b"}, "alone"),
        ({"TLS_PORT": "0"}, "TLS_PORT=0"),
        ({"TLS_PORT": "http"}, "TLS_PORT=http"),
        ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8; return 200"}, "TRUSTED_PROXIES"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, str], why: str) -> None:
    with pytest.raises(Refusal, match=why.replace("(", r"\(")):
        Front.read(said)


def test_a_certificate_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    made = keep(Front.read(SELF_SIGNED), tmp_path / "tls", 0o600)
    assert made == identity(tmp_path / "tls") == keep(Front.read(SELF_SIGNED), tmp_path / "tls", 0o600)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "tls").iterdir()} == {0o600}
    ssl.create_default_context(cafile=str(tmp_path / "tls/certificate.pem"))


def test_ones_own_certificate_replaces_one_that_was_made(tmp_path: Path) -> None:
    keep(Front.read(SELF_SIGNED), tmp_path / "own", 0o600)
    made = keep(Front.read(SELF_SIGNED), tmp_path / "tls", 0o600)
    own = Front.read(
        {"TLS_CERTIFICATE": str(tmp_path / "own/certificate.pem"), "TLS_KEY": str(tmp_path / "own/key.pem")}
    )
    assert keep(own, tmp_path / "tls", 0o600) == identity(tmp_path / "own") != made


@pytest.mark.parametrize("key", ["no key", None])
def test_a_key_that_does_not_fit_is_refused(tmp_path: Path, key: str | None) -> None:
    keep(Front.read(SELF_SIGNED), tmp_path / "own", 0o600)
    keep(Front.read(SELF_SIGNED), tmp_path / "other", 0o600)
    if key:
        (tmp_path / "other/key.pem").write_text(key)
    told = {"TLS_CERTIFICATE": str(tmp_path / "own/certificate.pem"), "TLS_KEY": str(tmp_path / "other/key.pem")}
    with pytest.raises(Refusal, match="don't belong together"):
        keep(Front.read(told), tmp_path / "tls", 0o600)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = {"TLS_CERTIFICATE": str(tmp_path / "none.pem"), "TLS_KEY": str(tmp_path / "none.pem")}
    with pytest.raises(Refusal, match=r"none\.pem can't be read \(No such file"):
        keep(Front.read(told), tmp_path / "tls", 0o600)


def test_without_tls_nothing_is_made(tmp_path: Path) -> None:
    assert keep(Front(), tmp_path / "tls", 0o600) == identity(tmp_path / "tls") == ""
