"""runtime/http/url.py: where a service is, as a person writes it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.url import Origin, Url


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "authority"),
    [
        ("http://10.0.0.7:9000", "http", "10.0.0.7", 9000, "10.0.0.7:9000"),
        ("http://Legacy.Example/", "http", "legacy.example", 80, "legacy.example"),
        ("https://api.example.com", "https", "api.example.com", 443, "api.example.com"),
        ("https://api.example.com:80", "https", "api.example.com", 80, "api.example.com:80"),
        ("http://[::1]:8080", "http", "::1", 8080, "[::1]:8080"),
    ],
)
def test_it_is_read_whole(text: str, scheme: str, host: str, port: int, authority: str) -> None:
    url = Url.parse(text)
    assert (url.scheme, url.host, url.port, url.authority, url.secure) == (
        scheme,
        host,
        port,
        authority,
        scheme == "https",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "legacy:80",
        "ftp://a",
        "http://",
        "http://a/path",
        "http://a?b",
        "http://user@a",
        "http://a:0",
        "http://a:65536",
        "http://a b",
        "http://-a",
        "http://a\n",
        "http://a:80\r\nX: y",
    ],
)
def test_what_is_more_or_less_than_an_origin_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write `http://10\.0\.0\.7:9000` or `https://example\.com`"):
        Url.parse(text)


@given(st.one_of(st.text(), st.from_regex(r"https?://[a-zA-Z0-9.\[\]:-]{0,20}(:[0-9]{0,6})?")))
def test_what_is_read_is_shown_as_it_is_read(text: str) -> None:
    with suppress(ValueError):
        url = Url.parse(text)
        assert Url.parse(str(url)) == url
        assert {url} == {Url.parse(str(url))}
        assert repr(url) == f"Url({url})"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("*", "*"),
        ("https://Shop.example", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("http://localhost:5173", "http://localhost:5173"),
    ],
)
def test_a_pages_origin_is_kept_as_browsers_send_it(text: str, sent: str) -> None:
    assert Origin.parse(text) == sent


@pytest.mark.parametrize("text", ["", "null", "shop.example", "https://*.example", "https://shop.example/cart"])
def test_any_other_origin_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write `https://shop\.example`, or `\*`"):
        Origin.parse(text)
