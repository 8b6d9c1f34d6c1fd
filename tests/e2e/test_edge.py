"""The whole stack as strangers meet it: by TLS, from a page, compressed, and saying nothing of what it is made of."""

import re
import socket
import ssl

import httpx
import pytest

from tests.e2e.stack import Stack

PAGE = {"Origin": "https://shop.example"}


@pytest.fixture
def context(stack: Stack) -> ssl.SSLContext:
    """Of a client that believes the front door's certificate, and no other."""
    return ssl.create_default_context(cafile=str(stack.certificate))


def test_the_front_door_speaks_tls(stack: Stack, context: ssl.SSLContext) -> None:
    with httpx.Client(base_url=f"https://localhost:{stack.tls_port}", verify=context) as client:
        answer = client.get("/products")
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=0"  # as its certificate is one to try


def test_it_speaks_http_2(stack: Stack, context: ssl.SSLContext) -> None:
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", stack.tls_port), timeout=30) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as speaking,
    ):
        assert speaking.selected_alpn_protocol() == "h2"


def test_any_page_may_read_products_and_no_page_orders(client: httpx.Client) -> None:
    asking = PAGE | {"Access-Control-Request-Method": "GET"}
    assert client.options("/products", headers=asking).status_code == 204
    assert client.get("/products", headers=PAGE).headers["access-control-allow-origin"] == "*"
    assert client.options("/orders", headers=asking).status_code == 405
    assert "access-control-allow-origin" not in client.get("/orders", headers=PAGE).headers


def test_a_list_for_anybody_comes_compressed_and_is_known_again(client: httpx.Client) -> None:
    answer = client.get("/products", params={"limit": 100})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["items"]
    again = client.get("/products", params={"limit": 100}, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/", "/products", "/docs", "/livez", "/nowhere", "/metrics", "/problems/not-found"])
def test_no_answer_says_what_it_was_made_with(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["server"] == "nginx"
    assert headers["x-content-type-options"] == "nosniff"
    made_with = re.compile(r"(?i)granian|litestar|python|uvicorn|nginx/")
    assert not [name for name, value in headers.items() if made_with.search(value)]
