"""What goes over the wire."""

from benchmarks.load import Request, _lua, always, encoded


def test_a_request_says_how_long_its_content_is() -> None:
    asked = encoded(Request("/orders", "POST", headers=(("X-One", "1"),)), b"{}")
    assert asked == b"POST /orders HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n{}"


def test_a_request_without_content_says_nothing_of_it() -> None:
    assert always(Request("/"))(7) == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_script_makes_each_request_anew() -> None:
    assert "request = made" in _lua(Request("/orders", "POST", script="request = made"))
    assert _lua(Request("/orders")).splitlines() == ['wrk.method = "GET"']
