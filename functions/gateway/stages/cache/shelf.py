"""Level one: answers in this instance's memory, by key, bounded by bytes.

Source: Yang and others, FIFO queues are all you need for cache eviction (S3-FIFO), SOSP 2023. What is new waits in a
short queue, and what nobody asks for again goes from there: a crawler doesn't push out what is read all the time. A hit
costs one look-up and moves nothing. In: keys, stored answers, tags. Out: what is held, newest first.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.keys import Key

VARIANTS = 16  # answers to one target that differ by Vary; the oldest goes
_SHORT = 0.1  # of the bytes, for what is new
_MOST_USES = 3  # what is asked for more often does not stay longer for it
_FRAME, _TAG = 700, 500  # bytes of a target without anything in it, and of one more tag that may be its alone
_LARGEST = 8  # an answer of more than one part in so many is not kept here


class Shelf:
    """At most `most` bytes of answers."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._new: OrderedDict[Key, _Target] = OrderedDict()
        self._old: OrderedDict[Key, _Target] = OrderedDict()
        self._targets: dict[Key, _Target] = {}
        self._seen: OrderedDict[int, None] = OrderedDict()  # hashes of what left the short queue; another time it stays
        self._tagged: dict[bytes, set[Key]] = {}
        self._new_bytes = 0
        self.bytes = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._targets)

    def held(self, key: Key) -> Sequence[Stored]:
        """What is held of a target."""
        target = self._targets.get(key)
        if target is None:
            return ()
        target.uses += 1
        return target.stored

    def put(self, key: Key, stored: Stored, tags: Collection[bytes]) -> None:
        """Keeps an answer, in place of one of the same variant."""
        target = self._take(key)
        others = [other for other in target.stored if other.variant != stored.variant]
        target.stored = (stored, *others[: VARIANTS - 1])
        if stored.weight * _LARGEST > self._most:
            target.stored = tuple(others)
        self._file(key, target, {*target.tags, *tags})

    def drop(self, key: Key, outdated: Collection[Stored] | None = None) -> None:
        """Forgets what is held of a target: all of it, or these."""
        if key not in self._targets:
            return
        target = self._take(key)
        gone = {one.variant for one in (target.stored if outdated is None else outdated)}
        target.stored = tuple(one for one in target.stored if one.variant not in gone)
        self._file(key, target, target.tags)

    def invalidate(self, names: Collection[bytes]) -> int:
        """Forgets targets by key or by tag; how many there were."""
        keys = {key for name in names for key in (name, *self._tagged.get(name, ())) if key in self._targets}
        for key in keys:
            self.drop(key)
        return len(keys)

    def clear(self) -> None:
        """Forgets everything."""
        for key in list(self._targets):
            self.drop(key)

    def _take(self, key: Key) -> "_Target":
        """The target of `key`, off the books until it is filed again."""
        target = self._targets.get(key) or _Target(proven=hash(key) in self._seen)
        self.bytes -= target.weight
        self._new_bytes -= 0 if target.proven else target.weight
        return target

    def _file(self, key: Key, target: "_Target", tags: Collection[bytes]) -> None:
        for tag in target.tags:
            self._untag(tag, key)
        queue = self._old if target.proven else self._new
        if not target.stored:
            self._targets.pop(key, None)
            queue.pop(key, None)
            return
        target.tags = frozenset(tags)
        target.weight = _weight(key, target)
        for tag in target.tags:
            self._tagged.setdefault(tag, set()).add(key)
        self._targets[key] = queue[key] = target
        self.bytes += target.weight
        self._new_bytes += 0 if target.proven else target.weight
        while self.bytes > self._most:
            self._evict()

    def _untag(self, tag: bytes, key: Key) -> None:
        keys = self._tagged.get(tag)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._tagged[tag]

    def _evict(self) -> None:
        """One step: something goes, or is given another turn."""
        if not self._old or (len(self._new) > 1 and self._new_bytes > self._most * _SHORT):
            self._leave_the_short_queue()
            return
        key, target = next(iter(self._old.items()))
        if target.uses:
            target.uses = min(target.uses, _MOST_USES) - 1
            self._old.move_to_end(key)
        else:
            self._go(key)

    def _leave_the_short_queue(self) -> None:
        key, target = next(iter(self._new.items()))
        if not target.uses:
            self._go(key)
            self._seen[hash(key)] = None
            while len(self._seen) > len(self._targets) + 1:
                self._seen.popitem(last=False)
            return
        del self._new[key]
        self._new_bytes -= target.weight
        target.proven, target.uses = True, 0
        self._old[key] = target

    def _go(self, key: Key) -> None:
        self.drop(key)
        self.evicted += 1


def _weight(key: Key, target: "_Target") -> int:
    """All that is held for a target, whoever said it."""
    tags = sum(len(tag) + _TAG for tag in target.tags)
    return _FRAME + len(key) + tags + sum(one.weight for one in target.stored)


class _Target:
    """All that is held of one target; `proven`: it has left the short queue for good."""

    __slots__ = ("proven", "stored", "tags", "uses", "weight")

    def __init__(self, *, proven: bool) -> None:
        self.proven = proven
        self.stored: tuple[Stored, ...] = ()
        self.tags: frozenset[bytes] = frozenset()
        self.uses = 0
        self.weight = 0
