"""The URL of a group of Sentinels: what it says, and that a wrong one is told without what it holds."""

import pytest

from functions.gateway.redis.conversation import connection
from functions.gateway.redis.sentinel import parse


def test_a_url_names_the_sentinels_the_group_and_what_opens_redis() -> None:
    url = "redis+sentinel://gate:p%40ss@one:26379,10.0.0.2,[::1]:5000/my-master/3?sentinel_password=a%2Bb"
    assert parse(url) == {
        "sentinels": [("one", 26379), ("10.0.0.2", 26379), ("::1", 5000)],
        "service": "my-master",
        "sentinel_password": "a+b",
        "db": 3,
        "username": "gate",
        "password": "p@ss",
    }


def test_what_a_url_leaves_out_is_not_there() -> None:
    assert parse("redis+sentinel://one/limits") == {
        "sentinels": [("one", 26379)],
        "service": "limits",
        "sentinel_password": None,
        "db": 0,
        "username": None,
        "password": None,
    }


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:hush@one:26379",
        "redis+sentinel://:hush@one:26379/",
        "redis+sentinel://:hush@/limits/0",
        "redis+sentinel://:hush@one,,two/limits/0",
        "redis+sentinel://:hush@one:port/limits/0",
        "redis+sentinel://:hush@one/limits/zero",
        "redis+sentinel://:hush@one/limits/0/1",
        "redis+sentinel://:hush@one/limits/0?hush",
        "redis+sentinel://:hush@one/limits/0?sentinel_user=hush",
        "redis://:hu/sh@one:6379/0",
        "http://:hush@one",
    ],
)
def test_a_wrong_url_is_told_without_what_it_holds(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not the URL of a Redis; write `redis://") as raised:
        connection(url)
    assert "hu" not in str(raised.value)
    assert raised.value.__suppress_context__
