"""deploy/door.py: what is asked goes to the stack's own front door, whatever the target and the environment say."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from deploy import door
from deploy.engine import Refusal

CLIENT = httpx.Client(base_url="http://[::1]:8080")


@pytest.mark.parametrize(
    "target",
    [
        "http://other/x",
        "https://other/x",
        "HTTP://other",
        "other",
        "",
        "?a=b",
        "\\\\other/x",
        " /x",
        "@other/x",
        ":80/x",
    ],
)
def test_a_target_begins_with_a_slash(target: str) -> None:
    with pytest.raises(Refusal, match="it begins with /, as in /products"):
        door.url(CLIENT, target)


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/a?b=%20", b"/a?b=%20"),
        ("//other/x", b"//other/x"),
        ("/@other/x", b"/@other/x"),
        ("/\u00e9\x9b \t", b"/%C3%A9%C2%9B%20%09"),
        ("/\udcff", b"/%FF"),
    ],
)
def test_a_target_is_sent_to_the_door_as_it_is_written(target: str, sent: bytes) -> None:
    url = door.url(CLIENT, target)
    assert (url.scheme, url.host, url.port, url.raw_path) == ("http", "::1", 8080, sent)


def test_a_fragment_is_no_part_of_a_target() -> None:
    with pytest.raises(Refusal, match="write # as %23"):
        door.url(CLIENT, "/a#b")


def test_where_nobody_listens_the_next_step_is_said() -> None:
    with pytest.raises(Refusal, match=r"gives no answer .*: start it with `just up`"), door.opened(NOWHERE, 1) as door_:
        door_.get("/")


@pytest.mark.parametrize("headers", [{"X-A": "b\r\nX-C: d"}, {"X A": "b"}, {"X-A": "\u2026"}])
def test_what_is_no_header_is_told_and_not_sent(headers: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="That can't be sent"), answering() as address, door.opened(address, 1) as client:
        client.get("/", headers=headers)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "Http_Proxy"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "nonsense"])
def test_no_proxy_is_asked(name: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, proxy)
    with answering() as address, door.opened(address, 5) as client:
        assert client.get("/").status_code == 200


NOWHERE = "http://127.0.0.1:1"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def answering() -> Iterator[str]:
    """The address of somebody who answers every request with 200."""
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
