"""Sends cases to a door, many at once, and says which of them were answered as none may be.

What must hold, whatever was sent: answers are HTTP and none is a failure of ours; the function was asked as often as
somebody was told what it saw; and what it saw has one meaning. A case that breaks this is kept in corpus/.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from posixpath import normpath
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from tests.contract.wire.grammar import CLAIMED

CORPUS = Path(__file__).with_name("corpus")
AT_ONCE = 64

_ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")
_SEEN = re.compile(rb'\{"method": .*?"instance": "[^"]*"\}', re.DOTALL)
_ADDRESSES = {"forwarded", "x-forwarded-for", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip"}

QUIET = 0.5  # seconds without a byte, after which nobody waits any longer

Asked = Callable[[], int]


async def found(cases: Sequence[bytes], port: int, asked: Asked) -> dict[bytes, str]:
    """Cases with what is wrong about their answers. `asked`: how many requests the function has read so far."""
    wrong: dict[bytes, str] = {}
    for start in range(0, len(cases), AT_ONCE):
        wrong |= await _judged(cases[start : start + AT_ONCE], port, asked)
    return wrong


async def _judged(crowd: Sequence[bytes], port: int, asked: Asked) -> dict[bytes, str]:
    """Who was left waiting is left out, and the others counted anew: what those asked may still be on its way."""
    before = asked()
    told = dict(zip(crowd, await asyncio.gather(*(said(port, sent) for sent in crowd)), strict=True))
    if wrong := {sent: why for sent, (answer, _) in told.items() if (why := fault(answer))}:
        return wrong
    if len(whole := [sent for sent, (_, closed) in told.items() if closed]) < len(told):
        return await _judged(whole, port, asked) if whole else {}
    unseen = asked() - before - sum(shown(answer) for answer, _ in told.values())
    if unseen <= 0:
        return {}
    if len(crowd) > 1:  # whose it was, each is asked alone
        return {sent: why for each in crowd for sent, why in (await _judged([each], port, asked)).items()}
    return {crowd[0]: f"the function was asked {unseen} times more often than anybody was told"}


async def said(port: int, sent: bytes) -> tuple[bytes, bool]:
    """All that comes, and whether the other side then closed; it doesn't while it waits for more of a body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        writer.write(sent)
        while part := await asyncio.wait_for(reader.read(65_536), QUIET):
            got += part
    except ConnectionError:
        return got, True
    except TimeoutError:
        return got, False
    finally:
        writer.close()
    return got, True


def shown(answer: bytes) -> int:
    """How many requests the function told that it had seen; what HEAD asked for is told by its head alone."""
    return max(_ANSWER.findall(answer).count(b"200"), len(_SEEN.findall(answer)))


def fault(answer: bytes) -> str:
    """What is wrong with all that a connection was answered; "" when nothing is."""
    if answer and not _ANSWER.match(answer) and answer[:1] != b"{":  # nginx answers HTTP/0.9 in kind, without a head
        return f"no HTTP: {answer[:40]!r}"
    for status in _ANSWER.findall(answer):
        if status[:1] == b"5":
            return f"an answer of {status.decode()}"
    return next((why for seen in _SEEN.findall(answer) if (why := _two_meanings(msgspec.json.decode(seen)))), "")


def _two_meanings(seen: dict[str, Any]) -> str:
    """Why a request that reached the function is not one that a gateway can have meant."""
    names = [name for name, _ in seen["headers"]]
    path = unquote_to_bytes(seen["target"].partition("?")[0])
    if normpath(path) != path.rstrip(b"/") or path.count(b"/") != seen["target"].partition("?")[0].count("/"):
        return f"the function saw the path {seen['target']}"
    if min(path) < 0x20 or b"\\" in path:
        return f"the function saw what is no path: {seen['target']}"
    if names.count("host") != 1 or names.count("content-length") + names.count("transfer-encoding") > 1:
        return f"the function saw {names}"
    if any(CLAIMED.decode() in value for name, value in seen["headers"] if name.replace("_", "-") in _ADDRESSES):
        return "the function saw an address that a client claimed"
    return ""


def keep(cases: Sequence[bytes]) -> None:
    """For every run from now on; escaped, so that a person can read them."""
    CORPUS.mkdir(exist_ok=True)
    for sent in cases:
        file = CORPUS / f"{hashlib.sha256(sent).hexdigest()[:16]}.txt"
        file.write_bytes(sent.decode("latin-1").encode("unicode_escape") + b"\n")


def kept() -> list[bytes]:
    """What was found before."""
    files = sorted(CORPUS.glob("*.txt"))
    return [file.read_bytes().rstrip(b"\n").decode("unicode_escape").encode("latin-1") for file in files]
