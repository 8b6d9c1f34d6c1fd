"""What `just limits` and `just cache` may be given."""

from argparse import ArgumentParser

import pytest

from functions.gateway import verbs


def test_limits_takes_a_text_and_whether_to_clear() -> None:
    parser = ArgumentParser()
    verbs.limits(parser)
    options = parser.parse_args(["ann", "--clear"])
    assert (options.text, options.clear, options.yes) == ("ann", True, False)


def test_a_cache_is_looked_at_or_purged() -> None:
    parser = ArgumentParser()
    verbs.cache(parser)
    options = parser.parse_args(["purge", "orders", "--group", "products"])
    assert (options.what, options.target, options.group, options.all) == ("purge", "orders", "products", False)
    with pytest.raises(SystemExit):
        parser.parse_args(["forget"])
