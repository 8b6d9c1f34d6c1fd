"""How many passwords may be tried: given what was tried so far, may this one be, and what is to be remembered?

Pure. Times are milliseconds. There is a bucket for each account and network, and one for each account that all networks
share from which nobody has logged in to it lately. Where the shared one is empty, somebody guesses from many places:
then a network that the account does not know has one attempt at a time. It always has that one, so whoever guesses,
and however many they are, the owner is let in: at once from a network that the account knows, and from any other with
the first attempt that is right. A network gets back what its attempts have cost when one of them was right.
"""

import msgspec

MINUTE = 60_000
KNOWN = 90 * 24 * 60 * MINUTE  # since the last login from a network


class Bucket(msgspec.Struct, frozen=True):
    """Holds `most` attempts, and gets one back `every` so often (GCRA; `full_at` is all that is stored)."""

    most: int
    every: int

    def wait(self, full_at: int, now: int, most: int = 0) -> int:
        """How long until one is there; with `most`, until one were there if it held no more than that."""
        return max(0, full_at - now - ((most or self.most) - 1) * self.every)

    def less_one(self, full_at: int, now: int) -> int:
        """What to store once one was taken."""
        return min(max(full_at, now) + self.every, now + self.most * self.every)


HERE = Bucket(20, 5 * MINUTE)  # programs log in side by side, and each attempt is taken for a wrong one at first
ELSEWHERE = Bucket(100, 5 * MINUTE)  # NIST SP 800-63B, section 3.2.2: no more than 100 wrong ones on end


class Tried(msgspec.Struct, frozen=True):
    """What is stored of an account at a network, and at all that it does not know."""

    here: int
    elsewhere: int
    known_until: int


class Verdict(msgspec.Struct, frozen=True):
    """Whether one more may be tried (`wait` is 0), or how long that takes; and what is stored then."""

    wait: int
    tried: Tried


def verdict(tried: Tried, now: int) -> Verdict:
    """Of one more attempt, which is refused before the password is looked at."""
    known = tried.known_until > now
    guessed = not known and ELSEWHERE.wait(tried.elsewhere, now) > 0
    if wait := HERE.wait(tried.here, now, most=1 if guessed else 0):
        return Verdict(wait, tried)
    elsewhere = tried.elsewhere if known else ELSEWHERE.less_one(tried.elsewhere, now)
    return Verdict(0, Tried(HERE.less_one(tried.here, now), elsewhere, tried.known_until))
