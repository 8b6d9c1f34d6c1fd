"""The steps of a rollout, told as they are done: of which function, what, and how long it took."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy.engine import Say


class Steps:
    """Told to `say`, a line for each; several may be under way at once."""

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._one = threading.Lock()

    @contextmanager
    def step(self, function: str, what: str) -> Iterator[None]:
        """For the length of the block; one that fails is told by whoever catches that."""
        began = self._clock()
        yield
        self.tell(f"{function}: {what} ({self._clock() - began:.1f} s)")

    def tell(self, text: str) -> None:
        """One line, whole."""
        with self._one:
            self._say(text)
