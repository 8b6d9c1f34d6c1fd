import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.directives import Answering, Asking, answering, asking
from functions.gateway.stages.cache.fields import FOREVER
from tests.unit.functions.gateway.stages.cache.heads import head


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ("max-age=60", Answering(max_age=60)),
        ("MaX-aGe=60", Answering(max_age=60)),
        ('max-age="60"', Answering(max_age=60)),
        ("foobar, max-age=60, x=y", Answering(max_age=60)),
        ("max-age=1800, max-age=1", Answering(max_age=1800)),
        ('extension="max-age=3600", max-age=1', Answering(max_age=1)),
        ("s-maxage=1, max-age=60, public", Answering(s_maxage=1, max_age=60, public=True)),
        ("No-StOrE", Answering(no_store=True)),
        ("must-understand, no-store", Answering(no_store=True, must_understand=True)),
        ("must-revalidate, proxy-revalidate", Answering(must_revalidate=True, proxy_revalidate=True)),
        (
            "max-age=1, stale-while-revalidate=2, stale-if-error=3, immutable",
            Answering(max_age=1, stale_while_revalidate=2, stale_if_error=3, immutable=True),
        ),
    ],
)
def test_what_an_answer_says(control: str, said: Answering) -> None:
    assert answering(head(f"Cache-Control: {control}")) == said


@pytest.mark.parametrize("value", ["", "-1", "3600.0", "a3600", "3600a", "'3600'", " 3600", '"', "0x10"])
def test_a_number_that_is_none_makes_an_answer_stale(value: str) -> None:
    assert answering(head(f"Cache-Control: max-age={value}")).max_age == 0


def test_a_space_round_the_equals_sign_breaks_the_number() -> None:
    assert answering(head("Cache-Control: max-age =3600")).max_age == 0


@pytest.mark.parametrize(
    ("lines", "private", "no_cache", "withheld"),
    [
        (["private"], True, False, ()),
        (['private="a, B"'], False, False, (b"a", b"b")),
        (["no-cache=a"], False, False, (b"a",)),
        (['no-cache="a"', 'private="b"'], False, False, (b"b", b"a")),
        (['no-cache="a"', "no-cache"], False, True, ()),
        (["no-cache", 'no-cache="a"'], False, True, ()),
        (['no-cache="a", no-cache="b"'], False, False, (b"a", b"b")),
        (['private=""'], True, False, ()),
        (["no-cache ="], False, True, ()),
    ],
)
def test_private_and_no_cache_may_name_fields(
    lines: list[str],
    private: bool,  # noqa: FBT001  a column
    no_cache: bool,  # noqa: FBT001  a column
    withheld: tuple[bytes, ...],
) -> None:
    said = answering(head(*[f"Cache-Control: {line}" for line in lines]))
    assert (said.private, said.no_cache, said.withheld) == (private, no_cache, withheld)


def test_nothing_hides_behind_an_open_quote() -> None:
    assert answering(head('Cache-Control: private="x, no-store')).no_store


@pytest.mark.parametrize(
    ("targeted", "said"),
    [
        ("max-age=60", Answering(max_age=60, targeted=True)),
        ("foobar, max-age=60", Answering(max_age=60, targeted=True)),
        ('private, no-cache="a"', Answering(private=True, withheld=(b"a",), targeted=True)),
        ("no-store=?0, max-age=60", Answering(max_age=60, targeted=True)),
        ('max-age="60"', Answering(max_age=0, targeted=True)),
        ("max-age=99999999999", Answering(max_age=FOREVER, targeted=True)),
        ("MaX-aGe=60", Answering(no_store=True)),
        ("max-age =60", Answering(no_store=True)),
        ("max-age=60, &&&&&", Answering(no_store=True)),
        ("", Answering(no_store=True)),
    ],
)
def test_cdn_cache_control_counts_alone_where_it_can_be_read(targeted: str, said: Answering) -> None:
    assert answering(head("Cache-Control: no-store", f"CDN-Cache-Control: {targeted}")) == said


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ("no-cache", Asking(no_cache=True)),
        ("no-store, only-if-cached", Asking(no_store=True, only_if_cached=True)),
        ("max-age=0", Asking(max_age=0)),
        ("max-age=oops", Asking(max_age=0)),
        ("min-fresh=60", Asking(min_fresh=60)),
        ("min-fresh", Asking(min_fresh=FOREVER)),
        ("max-stale", Asking(max_stale=FOREVER)),
        ("max-stale=60", Asking(max_stale=60)),
        ("stale-if-error=60", Asking(stale_if_error=60)),
        ("max-stale=oops", None),
        ("nothing-to-see-here", None),
        ("", None),
    ],
)
def test_what_a_request_says(control: str, said: Asking | None) -> None:
    assert asking(control.encode(), None) == said


def test_pragma_counts_only_without_cache_control() -> None:
    assert asking(None, b"no-cache") == Asking(no_cache=True)
    assert asking(None, b"foo") is None
    assert asking(b"max-age=60", b"no-cache") == Asking(max_age=60)


@given(st.text(alphabet="max-ge=01\"\\, '", max_size=40))
def test_no_field_breaks_the_reader(control: str) -> None:
    said = answering(head(f"Cache-Control: {control}"))
    assert said.max_age is None or 0 <= said.max_age <= FOREVER
    asking(control.encode(), control.encode())
