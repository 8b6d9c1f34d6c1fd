import pytest

from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.directives import answering
from functions.gateway.stages.cache.entry import stored
from functions.gateway.stages.cache.storable import storable
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, get, head


def kept(*lines: str, asked: Asked | None = None, status: int = 200) -> bool:
    headers, asked = head(*lines), asked or get()
    said = answering(headers)
    return storable(asked, headers, said, stored(asked, status, headers, said, NOW, NOW))


FRESH = "Cache-Control: max-age=60"
MODIFIED = f"Last-Modified: {date(-1000).decode()}"


@pytest.mark.parametrize(
    "lines",
    [
        (FRESH,),
        ("Cache-Control: s-maxage=60",),
        (f"Expires: {date(60).decode()}",),
        ('ETag: "a"',),
        (MODIFIED,),
        ("Cache-Control: no-cache", 'ETag: "a"'),
        ("Cache-Control: max-age=0, stale-while-revalidate=9",),
        ("CDN-Cache-Control: max-age=60", "Cache-Control: no-store"),
        ("Cache-Control: max-age=60, no-store, must-understand",),
        ('Cache-Control: max-age=60, private="set-cookie"',),
        (FRESH, "Set-Cookie: a=b"),
        (FRESH, "Pragma: no-cache"),
    ],
)
def test_what_is_stored(lines: tuple[str, ...]) -> None:
    assert kept(*lines)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Cache-Control: max-age=0",),
        ("Cache-Control: max-age=60, no-store",),
        ("Cache-Control: max-age=60, private",),
        ("CDN-Cache-Control: private", FRESH),
        (FRESH, "Vary: *"),
        (MODIFIED, "Set-Cookie: a=b"),
        ('ETag: "a"', "Set-Cookie: a=b", "Expires: 0"),
    ],
)
def test_what_is_not(lines: tuple[str, ...]) -> None:
    assert not kept(*lines)


@pytest.mark.parametrize("status", [200, 204, 299, 302, 307, 400, 404, 499, 500, 503, 599])
def test_any_final_status_with_a_stated_lifetime_is(status: int) -> None:
    assert kept(FRESH, status=status)


@pytest.mark.parametrize("status", [299, 599, 304])
def test_must_understand_leaves_out_what_is_not_understood(status: int) -> None:
    assert not kept("Cache-Control: max-age=60, must-understand", status=status)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("max-age=60", False),
        ("max-age=60, public", True),
        ("max-age=60, must-revalidate", True),
        ("s-maxage=60", True),
        ("max-age=60, proxy-revalidate", False),
    ],
)
def test_an_answer_to_a_request_with_authorization_needs_a_word(control: str, expected: bool) -> None:  # noqa: FBT001  a column
    assert kept(f"Cache-Control: {control}", asked=get("Authorization: Bearer t")) is expected


@pytest.mark.parametrize(
    "asked", [get("Cache-Control: no-store"), get("Content-Length: 3"), get(method=b"HEAD"), get(method=b"POST")]
)
def test_what_was_asked_for_in_another_way_is_not(asked: Asked) -> None:
    assert not kept(FRESH, asked=asked)


@pytest.mark.parametrize(
    ("wanted", "lines", "fits"),
    [
        ("bytes=0-4", ("Content-Range: bytes 0-4/10",), True),
        ("bytes=0-4", ("Content-Range: bytes 0-4/10", "Content-Length: 5"), True),
        ("bytes=5-99", ("Content-Range: bytes 5-9/10",), True),
        ("bytes=-3", ("Content-Range: bytes 7-9/10",), True),
        ("bytes=0-4", (), False),
        ("bytes=0-4", ("Content-Range: bytes 0-4/*",), False),
        ("bytes=0-4", ("Content-Range: bytes 1-5/10",), False),
        ("bytes=0-4", ("Content-Range: bytes 0-3/10",), False),
        ("bytes=0-4", ("Content-Range: bytes 0-9/10",), False),
        ("bytes=0-4", ("Content-Range: bytes 0-4/10", "Content-Length: 10"), False),
        ("bytes=20-", ("Content-Range: bytes 0-4/10",), False),
        ("bytes=0-1, 3-4", ("Content-Range: bytes 0-4/10",), False),
        ("lines=0-4", ("Content-Range: bytes 0-4/10",), False),
        (None, ("Content-Range: bytes 0-4/10",), False),
    ],
)
def test_a_part_is_the_one_that_was_asked_for(wanted: str | None, lines: tuple[str, ...], fits: bool) -> None:  # noqa: FBT001  a column
    asked = get(f"Range: {wanted}") if wanted else get()
    assert kept(FRESH, *lines, asked=asked, status=206) is fits


@pytest.mark.parametrize("status", [304, 412, 416])
def test_what_answers_conditions_is_not(status: int) -> None:
    assert not kept(FRESH, 'ETag: "a"', asked=get('If-None-Match: "a"', "Range: bytes=9-"), status=status)
