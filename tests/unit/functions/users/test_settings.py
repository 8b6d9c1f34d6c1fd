"""functions/users/settings.py: what the environment may say."""

import pytest

from functions.users.settings import Settings
from runtime.settings import SettingsError, load
from runtime.units import Duration, Size

LEAST = {"DATABASE_URL": "sqlite:///users.db", "SIGNING_KEYS_DIR": "/run/keys"}


def test_a_database_and_a_folder_of_keys_are_enough() -> None:
    options = load(Settings, LEAST)
    assert options.access_lifetime == Duration(900)
    assert options.argon2_memory == Size.parse("19MiB")


def test_sizes_and_durations_are_read_as_people_write_them() -> None:
    options = load(Settings, {**LEAST, "ARGON2_MEMORY": "64MiB", "REFRESH_LIFETIME": "7d"})
    assert options.argon2_memory == Size(64 * 1024**2)
    assert options.refresh_lifetime == Duration(604_800)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load(Settings, {"PASSWORD_WORKERS": "0", "ARGON2_MEMORY": "much"})
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        "DATABASE_URL",
        "SIGNING_KEYS_DIR",
        "ARGON2_MEMORY",
        "PASSWORD_WORKERS",
    ]
