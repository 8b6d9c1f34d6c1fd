"""What a gateway is told by its environment."""

import pytest

from functions.gateway.settings import Settings
from runtime.settings import SettingsError, load


def test_only_who_knows_the_instances_has_to_be_said() -> None:
    assert load(Settings, {"DISCOVERY": "dns:8000"}).discovery == "dns:8000"


def test_without_it_a_gateway_does_not_start() -> None:
    with pytest.raises(SettingsError, match="DISCOVERY: is required"):
        load(Settings, {})


def test_nobody_is_trusted_and_no_instance_shown_unless_said() -> None:
    settings = load(Settings, {"DISCOVERY": "dns:8000"})
    assert (settings.trusted_proxies, settings.expose_instance) == ("", "0")


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load(Settings, {"EXPOSE_INSTANCE": "yes"})
    assert {line.split(":")[0] for line in str(raised.value).splitlines()} == {"DISCOVERY", "EXPOSE_INSTANCE"}


def test_the_password_in_a_redis_url_is_not_shown() -> None:
    settings = load(Settings, {"DISCOVERY": "dns:8000", "REDIS_URL": "redis://:hidden@redis:6379/0"})
    assert "hidden" not in repr(settings)
