"""A body goes out as its head announced it, or not to its end."""

from collections.abc import Awaitable, Callable

import pytest

from functions.gateway.stages.forward.errors import UploadFailed
from functions.gateway.stages.forward.upload import Upload


def parts(*given: bytes) -> Callable[[], Awaitable[bytes]]:
    left = list(given)

    async def read() -> bytes:
        return left.pop(0)

    return read


async def sent(upload: Upload) -> bytes:
    wire = b""
    while not upload.ended:
        wire += await upload.next()
    return wire


async def test_a_body_of_known_length_goes_as_it_is_and_is_read_no_further() -> None:
    assert await sent(Upload(parts(b"ab", b"cde"), 5)) == b"abcde"


async def test_a_body_of_unknown_length_goes_in_chunks() -> None:
    assert await sent(Upload(parts(b"ab", b"c" * 16, b""), None)) == b"2\r\nab\r\n10\r\n" + b"c" * 16 + b"\r\n0\r\n\r\n"


async def test_a_body_that_ends_early_fails() -> None:
    with pytest.raises(UploadFailed, match="3 bytes early"):
        await sent(Upload(parts(b"ab", b""), 5))


async def test_a_body_longer_than_announced_is_not_sent() -> None:
    with pytest.raises(UploadFailed, match="longer"):
        await sent(Upload(parts(b"abcdef"), 5))


async def test_what_the_clients_body_raises_is_kept_as_the_cause() -> None:
    async def broken() -> bytes:
        raise ConnectionResetError

    with pytest.raises(UploadFailed) as failed:
        await Upload(broken, None).next()
    assert isinstance(failed.value.__cause__, ConnectionResetError)
