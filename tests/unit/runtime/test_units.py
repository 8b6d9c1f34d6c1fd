"""runtime/units.py: durations, sizes and limits as a person writes them."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.units import Duration, Limit, Rule, Size

PARSERS = (Duration.parse, Size.parse, Limit.parse)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("2s", 2.0), ("1m", 60.0), ("1h", 3600.0), ("1d", 86_400.0), ("0s", 0.0)]
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize(("text", "bytes_"), [("512B", 512), ("64KiB", 65_536), ("1MiB", 1_048_576), ("1GiB", 2**30)])
def test_a_size_is_bytes(text: str, bytes_: int) -> None:
    assert Size.parse(text) == bytes_


@pytest.mark.parametrize(
    ("text", "limit"),
    [("100/1m", Limit(100, 60, 100)), ("100/1m burst 20", Limit(100, 60, 20)), ("1/2d", Limit(1, 172_800, 1))],
)
def test_a_limit_holds_its_count_unless_a_burst_is_named(text: str, limit: Limit) -> None:
    assert Limit.parse(text) == limit


@pytest.mark.parametrize("text", ["", "2", "s", "2 s", "-2s", "2S", "1.5s", "2s\n", "٢s", "9999999999s", "2ms5"])
def test_what_is_no_duration_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write `250ms`, `2s` or `1m`"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["", "1", "1MB", "1mib", "-1B", "1 KiB", "1B\n", "9999999999B"])
def test_what_is_no_size_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write `512B`, `64KiB` or `1MiB`"):
        Size.parse(text)


@pytest.mark.parametrize(
    "text", ["", "100", "100/m", "0/1m", "100/0s", "100/1ms", "100/1m burst 0", "100/1m  burst 5", "100/1m burst"]
)
def test_what_is_no_limit_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ValueError, match="write `100/1m` or `100/1m burst 20`"):
        Limit.parse(text)


@given(st.integers(0, 999_999_999))
def test_milliseconds_come_out_as_the_nearest_number_there_is(milliseconds: int) -> None:
    assert Duration.parse(f"{milliseconds}ms") == milliseconds / 1000


@given(st.integers(0, 999_999_999))
def test_a_duration_reads_what_it_shows(milliseconds: int) -> None:
    duration = Duration(milliseconds / 1000)
    assert Duration.parse(str(duration)) == duration


@given(st.integers(0, 999_999_999))
def test_a_size_reads_what_it_shows(size: int) -> None:
    assert Size.parse(str(Size(size))) == size


@pytest.mark.parametrize("text", ["250ms", "2s", "90s", "1m", "36h", "1d", "0s"])
def test_a_duration_is_shown_as_it_was_written(text: str) -> None:
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize("text", ["512B", "64KiB", "1MiB", "1GiB", "0B", "1025KiB"])
def test_a_size_is_shown_as_it_was_written(text: str) -> None:
    assert str(Size.parse(text)) == text


@pytest.mark.parametrize("text", ["100/1m", "100/1m burst 20", "5/1s burst 100", "1/90s"])
def test_a_limit_is_shown_as_it_was_written(text: str) -> None:
    assert str(Limit.parse(text)) == text


@given(st.integers(1, 10**9 - 1), st.integers(1, 99_999), st.integers(1, 10**9 - 1))
def test_a_limit_reads_what_it_shows(count: int, seconds: int, burst: int) -> None:
    limit = Limit(count, seconds, burst)
    assert Limit.parse(str(limit)) == limit


@given(st.sampled_from(PARSERS), st.text())
def test_junk_is_a_value_error_and_nothing_else(parse: Callable[[str], object], text: str) -> None:
    with suppress(ValueError):
        parse(text)


@given(st.sampled_from(PARSERS), st.from_regex(r"[0-9]{0,11}[a-zA-Z/ ]{0,6}[0-9]{0,11}[smhd]?( burst [0-9]*)?"))
def test_junk_that_nearly_is_one_is_a_value_error_and_nothing_else(parse: Callable[[str], object], text: str) -> None:
    with suppress(ValueError):
        parse(text)


def test_equal_limits_are_one_key() -> None:
    assert {Limit.parse("60/1m"), Limit.parse("60/60s burst 60")} == {Limit(60, 60, 60)}
    assert Limit(60, 60, 60) != "60/60s burst 60"
    assert repr(Limit(60, 60, 20)) == "Limit(60/1m burst 20)"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("100/1m", Rule(Limit(100, 60, 100))),
        ("100/1m burst 20 by address", Rule(Limit(100, 60, 20), "address")),
        ("1000/1d by principal", Rule(Limit(1000, 86_400, 1000), "principal")),
        ("5/1s by route", Rule(Limit(5, 1, 5), "route")),
    ],
)
def test_a_rule_is_a_limit_and_may_say_whose_it_is(text: str, rule: Rule) -> None:
    assert Rule.parse(text) == rule
    assert Rule.parse(str(rule)) == rule


@pytest.mark.parametrize("text", ["100/1m by", "100/1m by ", "100/1m by everyone", "100/1m by route by route"])
def test_a_rule_by_nobody_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ValueError, match="write `"):
        Rule.parse(text)
