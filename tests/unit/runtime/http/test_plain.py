"""runtime/http/plain.py: an answer that is bytes already goes out as Litestar's would."""

from typing import TYPE_CHECKING, cast

import httpx
import pytest
from litestar import Litestar, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import Cookie

from runtime.http.plain import Plain

if TYPE_CHECKING:
    from runtime.asgi import ASGIApp

FIELDS = {"Cache-Control": "no-cache", "X-Name": "Zoë"}


async def answer(response: Response[bytes], **told: object) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Its status, body and fields, from a handler whose decorator says `told`."""

    @get("/", **told)  # type: ignore[arg-type]
    async def show() -> Response[bytes]:
        return response

    app = Litestar([show], openapi_config=None, logging_config=None)
    transport = httpx.ASGITransport(cast("ASGIApp", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
        found = await client.get("/")
    return found.status_code, found.content, sorted(found.headers.raw)


@pytest.mark.parametrize("status", [200, 201, 204, 304, None])
@pytest.mark.parametrize("media_type", ["application/json", "application/jwk-set+json", None])
async def test_it_is_what_litestars_would_be(status: int | None, media_type: str | None) -> None:
    body = b"" if status in (204, 304) else b'{"a":1}'
    plain, usual = (kind(body, status_code=status, headers=FIELDS, media_type=media_type) for kind in (Plain, Response))
    assert await answer(plain) == await answer(usual)


async def test_what_is_said_beside_it_is_sent_too() -> None:
    _, _, fields = await answer(Plain(b"{}", cookies=[Cookie("a", "b")]), response_headers={"X-More": "1"})
    assert (b"x-more", b"1") in fields
    assert any(name == b"set-cookie" for name, _ in fields)


async def test_what_comes_after_it_comes() -> None:
    done: list[int] = []
    await answer(Plain(b"{}", background=BackgroundTask(done.append, 1)))
    assert done == [1]
