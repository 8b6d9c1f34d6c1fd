"""Whom the gateway believes beyond its own network."""

import ssl

from functions.gateway.stages.forward.trust import trust


def test_a_certificate_and_its_name_are_always_verified() -> None:
    context = trust()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_it_is_made_once() -> None:
    assert trust() is trust()
