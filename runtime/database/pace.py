"""Which statements are short enough to be carried out on the event loop, by their text.

A statement proves that in the thread first. One that took long on the loop after all, as it has grown, or had to wait
for the disk, has to prove it again, twice as often each time that it happens. Pure: it is told what took how long.
"""

LONG = 0.002  # seconds: on the loop by the clock, as a disk counts; in the thread of its own work, as others' doesn't
AT_ONCE = 32  # statements that follow one another without anybody else having a turn
_MOST = 1 << 12  # proofs in the thread, at most, before the loop has another
_GOOD = 64  # short runs on the loop, after which half as many proofs will do
_TEXTS = 1000  # that are kept: those of a program are fewer, unless it makes them up as it goes


class _Record:
    """`left`: proofs in the thread that are still to come, below 0 without end; `needed`: how many there were to be."""

    __slots__ = ("good", "left", "needed")

    def __init__(self) -> None:
        self.left = self.needed = 1
        self.good = 0


class Pace:
    """What was seen of each text, and how many statements went by since others had a turn."""

    __slots__ = ("_records", "_row")

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._row = 0

    def short(self, sql: str) -> bool:
        """Whether it may be carried out on the loop."""
        record = self._records.get(sql)
        return record is not None and not record.left

    def on_loop(self, sql: str, seconds: float, *, far: bool = False) -> bool:
        """It ran on the loop, `far` of what it may: whether others should have a turn now."""
        record = self._records.get(sql)
        if record is not None and seconds > LONG:
            self._doubt(record)
        elif record is not None and record.needed > 1:
            _trust(record)
        self._row += 1
        if self._row < AT_ONCE and not far:
            return False
        self._row = 0
        return True

    def known(self, sql: str) -> bool:
        """Whether it ever ran."""
        return sql in self._records

    def never(self, sql: str) -> None:
        """It can't be given up half-way, so it runs in the thread however short it is."""
        self._record(sql).left = -1

    def outgrown(self, sql: str) -> None:
        """It was given up on the loop."""
        if (record := self._records.get(sql)) is not None:
            self._doubt(record)

    def in_thread(self, sql: str, seconds: float, *, far: bool) -> None:
        """It ran in the thread, and took so much of a processor."""
        record = self._record(sql)
        if record.left >= 0 and (seconds > LONG or far):
            record.left = record.needed
        elif record.left > 0:
            record.left -= 1

    def _record(self, sql: str) -> _Record:
        if len(self._records) >= _TEXTS and sql not in self._records:
            self._records.clear()
        return self._records.setdefault(sql, _Record())

    def _doubt(self, record: _Record) -> None:
        record.left = record.needed = min(_MOST, record.needed * 2)
        record.good = 0


def _trust(record: _Record) -> None:
    record.good += 1
    if record.good == _GOOD:
        record.good, record.needed = 0, record.needed // 2
