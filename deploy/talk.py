"""What verbs say to a gateway, and hear: words there, a line of JSON back (functions/gateway/control.py).

In: two descriptors, of a socket or of a process that stands in a container. Out: answers, or None where none came. It
knows no engine.
"""

import os
import select
import time
from collections.abc import Callable, Iterable

import msgspec

from functions.gateway.revisions import Said

_LONGEST = 1 << 20  # bytes of an answer


class Talk:
    """With one gateway. What it has prepared there is dropped when it is closed, unless it was taken.

    `away`: where there was no answer, whether that is because nobody listens there.
    """

    def __init__(
        self, name: str, to: int, back: int, end: Callable[[], None], away: Callable[[], bool] = lambda: False
    ) -> None:
        self.name = name
        self.away = away
        self._to = to
        self._back = back
        self._heard = b""
        self.close = end

    def say(self, words: str) -> None:
        """A gateway that has gone hears nothing, and will not answer either."""
        try:
            os.write(self._to, f"{words}\n".encode())
        except OSError:
            return

    def hear(self, until: float) -> Said | None:
        """The answer to what was said, by then on the clock of `time.monotonic`; None when there is none."""
        while b"\n" not in self._heard:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._back], [], [], left)[0]:
                return None
            try:
                part = os.read(self._back, _LONGEST)
            except OSError:
                return None
            if not part or len(self._heard) > _LONGEST:
                return None
            self._heard += part
        line, _, self._heard = self._heard.partition(b"\n")
        try:
            return msgspec.json.decode(line, type=Said)
        except msgspec.DecodeError:
            return None


def all_say(talks: Iterable[Talk], words: str, patience: float) -> dict[str, Said | None]:
    """What each gateway answers, by its name; all are asked before the first is heard."""
    asked = list(talks)
    for talk in asked:
        talk.say(words)
    until = time.monotonic() + patience
    return {talk.name: talk.hear(until) for talk in asked}
