"""As much HTTP/2 (RFC 9113) as one request needs, written by hand: also what no library would send."""

import asyncio
import ssl

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GOAWAY, WINDOW = 0, 1, 3, 4, 7, 8
Field = tuple[bytes, bytes]


def speaking(protocol: str = "h2") -> ssl.SSLContext:
    """A client that offers one protocol, and believes whoever it meets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


def request(*fields: Field, whole: bool = True) -> bytes:
    """A connection's first bytes and a request; the fields are literals without an index (RFC 7541).

    `whole`: it has no body.
    """
    block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)
    return PREFACE + _frame(SETTINGS, b"") + _frame(HEADERS, block, flags=0x05 if whole else 0x04, stream=1)


def data(body: bytes, *, whole: bool) -> bytes:
    """A part of a body; `whole`: its last. A frame holds 16 KiB."""
    parts = [body[start : start + 16_384] for start in range(0, len(body), 16_384)]
    return b"".join(_frame(DATA, part, int(whole and part is parts[-1]), stream=1) for part in parts)


async def until(reader: asyncio.StreamReader, *kinds: int) -> bytes:
    """The payload of the first frame of these kinds that is about the request."""
    while True:
        head = await reader.readexactly(9)
        payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
        if head[3] in kinds and head[-1] == 1:
            return payload


async def answered(reader: asyncio.StreamReader) -> int:
    """The kind of the first frame that answers it: HEADERS, or what says that there is no answer."""
    while True:
        head = await reader.readexactly(9)
        await reader.readexactly(int.from_bytes(head[:3], "big"))
        if head[3] in (HEADERS, RESET, GOAWAY):
            return head[3]


def _text(text: bytes) -> bytes:
    assert len(text) < 127
    return bytes([len(text)]) + text


def _frame(kind: int, payload: bytes, flags: int = 0, stream: int = 0) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
