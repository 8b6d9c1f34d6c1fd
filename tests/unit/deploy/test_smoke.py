import httpx
import pytest

from deploy.engine import Refusal
from deploy.smoke import Tour, rendered

REQUEST = httpx.Request("POST", "http://localhost/orders?x=%20", headers={"Idempotency-Key": "k1"})


def tour(answer: httpx.Response) -> tuple[Tour, list[str]]:
    """One whose every request is answered so, and what it has shown."""
    shown: list[str] = []
    client = httpx.Client(base_url="http://localhost", transport=httpx.MockTransport(lambda _: answer))
    return Tour(client, shown.append), shown


def test_a_call_is_shown_with_its_key_its_telling_headers_and_its_body() -> None:
    answer = httpx.Response(201, headers={"Location": "/orders/1", "Vary": "x"}, json={"id": 1}, request=REQUEST)
    assert rendered(answer).splitlines() == [
        "",
        "> POST /orders?x=%20",
        "> idempotency-key: k1",
        "< 201 Created",
        "< location: /orders/1",
        "{",
        '  "id": 1',
        "}",
    ]


def test_what_a_stranger_wrote_is_shown_written_out() -> None:
    answer = httpx.Response(200, headers={b"ETag": b"\xc2\x9b"}, json={"name": "\x1b[2J\x9b\u2028x"}, request=REQUEST)
    assert rendered(answer).replace("\n", "").isprintable()


def test_an_answer_with_another_status_ends_the_tour_with_one_sentence() -> None:
    walk, shown = tour(httpx.Response(503, headers={"X-Request-Id": "r1"}))
    with pytest.raises(Refusal, match="the status of GET /products is 503, and the contract says 200"):
        walk.call(200, "GET", "/products")
    assert "< 503 Service Unavailable" in shown[0]


def test_an_answer_without_a_request_id_ends_the_tour() -> None:
    walk, _ = tour(httpx.Response(200))
    with pytest.raises(Refusal, match="without an X-Request-Id"):
        walk.call(200, "GET", "/products")


def test_nothing_to_order_names_the_seed() -> None:
    walk, _ = tour(httpx.Response(200))
    with pytest.raises(Refusal, match="just seed"):
        walk.order([])
