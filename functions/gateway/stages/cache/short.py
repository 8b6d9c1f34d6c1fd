"""Names that a client makes as long as it likes, made short: what is kept under them is bounded by number then.

In: bytes without a NUL. Out: the same, or their beginning and a digest of all; no two texts have one short form, nor is
one the short form of another.
"""

from hashlib import blake2b

LONGEST = 200  # bytes that stand as they are
_BEGINNING = 100
_MARK = b"\0"


def short(text: bytes) -> bytes:
    """`text` in at most LONGEST bytes."""
    if len(text) <= LONGEST:
        return text
    return b"%b%b%b" % (text[:_BEGINNING], _MARK, blake2b(text, digest_size=20).hexdigest().encode())


def shown(name: bytes) -> str:
    """For a person."""
    return name.decode("latin-1").replace("\0", "…")
