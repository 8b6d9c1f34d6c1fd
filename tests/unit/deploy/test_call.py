"""`just call`: what is put into a request that its route asks for, and how the answer is shown."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deploy.call import Call, arguments, body, prepared, promote, sent, shown, told
from deploy.engine import Refusal
from deploy.people import People
from tests import golden
from tests.unit.deploy.test_verbs import Still


def call(*said: str) -> Call:
    parser = ArgumentParser()
    arguments(parser)
    return prepared(parser.parse_args(said), golden.manifests("sound"))


def test_a_route_that_wants_a_token_is_called_as_me() -> None:
    assert call("delete", "/others/1").caller == "me"


@pytest.mark.parametrize(
    "said",
    [
        ("GET", "/things/1"),
        ("GET", "/nowhere"),
        ("DELETE", "/others/1", "--anonymous"),
        ("DELETE", "/others/1", "-H", "Authorization: Bearer mine"),
    ],
)
def test_nobody_is_logged_in_where_that_is_not_wanted(said: tuple[str, ...]) -> None:
    assert call(*said).caller == ""


def test_whoever_is_named_calls_also_where_nobody_had_to() -> None:
    assert call("GET", "/things/1", "--as", "admin").caller == "admin"


def test_a_key_is_made_where_the_route_honours_one() -> None:
    assert (
        call("POST", "/things", "{}").headers["Idempotency-Key"] != call("POST", "/things").headers["Idempotency-Key"]
    )
    assert call("POST", "/things", "-H", "idempotency-key: mine").headers == {"idempotency-key": "mine"}
    assert "Idempotency-Key" not in call("DELETE", "/others/1").headers


def test_a_body_is_json_unless_it_is_said_to_be_something_else(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"from a file")
    assert call("PUT", "/x", "{}") == Call("PUT", "/x", b"{}", {"Content-Type": "application/json"}, "")
    given = call("PUT", "/x", f"@{tmp_path}/body", "-H", "content-type: text/plain")
    assert (given.body, given.headers) == (b"from a file", {"content-type": "text/plain"})


def test_what_is_no_header_is_refused() -> None:
    with pytest.raises(Refusal, match="write 'Name: value'"):
        call("GET", "/x", "-H", "name")


class Known(People):
    """People whose tokens say whether they are fresh."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def token(self, name: str, *, fresh: bool = False) -> str:
        self.asked.append(name)
        return f"{name}-{'fresh' if fresh else 'kept'}"


def asked(answers: Callable[[httpx.Request], httpx.Response], caller: str) -> tuple[httpx.Response, Known]:
    people = Known()
    with httpx.Client(base_url="http://localhost", transport=httpx.MockTransport(answers)) as client:
        return sent(Call("GET", "/a", b"", {}, caller), client, people), people


def test_a_session_that_has_ended_is_begun_anew_once() -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(401)

    asked(answers, "me")
    assert seen == ["Bearer me-kept", "Bearer me-fresh"]


def test_who_is_nobody_is_not_logged_in_to_be_let_in() -> None:
    answer, people = asked(lambda _: httpx.Response(401), "")
    assert (answer.status_code, people.asked) == (401, [])


REQUEST = httpx.Request(
    "POST", "http://localhost/a?b=%20", headers={"Idempotency-Key": "k", "Authorization": "Bearer s"}
)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (304, 0), (404, 4), (502, 5)])
def test_the_exit_code_tells_what_it_came_to(capfdbinary: pytest.CaptureFixture[bytes], status: int, code: int) -> None:
    assert shown(httpx.Response(status, json={"a": "ä"}, request=REQUEST), "me") == code
    assert capfdbinary.readouterr().out == '{\n  "a": "ä"\n}\n'.encode()


def test_the_exchange_is_told_without_the_token() -> None:
    answer = httpx.Response(201, headers=[("A", "1"), ("A", "2")], request=REQUEST)
    assert told(answer, "me").splitlines() == [
        "> POST /a?b=%20",
        "> idempotency-key: k",
        "> authorization: Bearer (as me)",
        "< 201 Created",
        "< a: 1",
        "< a: 2",
    ]


def test_what_is_not_json_is_shown_as_it_came() -> None:
    image = httpx.Response(200, content=b"\0\xff", headers={"Content-Type": "image/png"})
    assert body(image, watched=False) == b"\0\xff"
    assert body(image, watched=True) == rb"\u0000\udcff"
    assert body(httpx.Response(204, headers={"Content-Type": "application/json"}), watched=False) == b""


@pytest.mark.parametrize("watched", [True, False])
def test_json_that_a_stranger_wrote_means_the_same_and_does_nothing_to_a_terminal(*, watched: bool) -> None:
    written = {"name": "\x1b[2J\x9b\u202e\u00e9"}
    shown = body(httpx.Response(200, json=written), watched=watched)
    assert json.loads(shown) == written
    assert shown.decode().replace("\n", "").isprintable()


def test_what_is_said_to_be_json_and_is_not_is_shown_as_it_came() -> None:
    answer = httpx.Response(200, content=b"{\x1b", headers={"Content-Type": "application/json"})
    assert body(answer, watched=False) == b"{\x1b"
    assert body(answer, watched=True) == rb"{\u001b"


def test_fields_that_a_stranger_wrote_are_shown_written_out() -> None:
    request = httpx.Request("GET", "http://localhost/a")
    answer = httpx.Response(200, headers={b"X-Name": b"\xc2\x9b2J\xff"}, request=request)
    assert told(answer, "").replace("\n", "").isprintable()


def test_an_admin_who_could_not_be_made_one_is_told() -> None:
    engine = Still()
    with pytest.raises(Refusal, match="can't be made an admin"):
        promote(engine, "a@example.com")
    assert engine.asked == [("users", "functions.users.admin", "a@example.com", "--yes")]
