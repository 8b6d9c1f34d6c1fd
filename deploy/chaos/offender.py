"""One client that does again and again what may harm nobody else, from a single connection at a time.

In: where the stack listens, and where the odd service has to. Out: what was not answered as is right. What others see
meanwhile is the load's to tell.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from deploy.chaos import odd
from deploy.chaos.offences import OFFENCES, Offence, answer, head, status

SECONDS = 10.0  # at least; every offence is done once in any case
_PAUSE = 0.02  # seconds between two
_WELL = Offence("an odd service that answers well", head(b"GET /odd/well"), 0)
_EACH = 10  # cases of the odd service, between two of its good answers


def offend(door: tuple[str, int], service: tuple[str, int], seconds: float = SECONDS) -> list[str]:
    """A sentence for each answer that was another than is right; `service` is where odd answers come from."""
    return asyncio.run(_offend(door, service, seconds))


def offences() -> Sequence[Offence]:
    """All of one round: what the stack itself is asked, and what it is answered by the odd service."""
    cases = [Offence(case, head(b"GET /odd/" + case.encode()), 0) for case in odd.CASES]
    mixed = [each for start in range(0, len(cases), _EACH) for each in (*cases[start : start + _EACH], _WELL)]
    return (*OFFENCES, *mixed)


async def _offend(door: tuple[str, int], service: tuple[str, int], seconds: float) -> list[str]:
    over = time.monotonic() + seconds
    server = await asyncio.start_server(odd.serve, *service)
    wrong: list[str] = []
    reached = False  # a gateway that was started since may not know the way to the service
    try:
        for number, offence in enumerate(cycle(offences())):
            if number >= len(offences()) and time.monotonic() > over:
                break
            said = await _said(offence, door)
            wrong += _judged(offence, said)
            reached = reached or (offence is _WELL and status(said) == 200)
            await asyncio.sleep(_PAUSE)
    finally:
        server.close()
    return wrong if reached else [*wrong, f"{_WELL.name} was never heard"]


async def _said(offence: Offence, door: tuple[str, int]) -> bytes:
    try:
        return await answer(offence, *door)
    except (OSError, TimeoutError) as error:
        return repr(error).encode()


def _judged(offence: Offence, said: bytes) -> Iterator[str]:
    if not offence.right:
        if fault := odd.amiss(said):
            yield f"{offence.name}: {fault}"
    elif status(said) != offence.right:
        yield f"{offence.name} is answered {status(said)} and not {offence.right}: {said[-200:]!r}"
