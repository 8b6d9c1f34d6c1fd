"""What a stranger may have written, as it may be shown to a person: a terminal obeys nothing in it.

Text goes in, the same comes out with every character that does not print written as JSON writes it: controls of both
sets, marks that turn the direction of a line, blanks that are none, and bytes that were no UTF-8 (as surrogates).
"""

import json

_KEPT = frozenset("\t")


def visible(text: object, *, lines: bool = False) -> str:
    """As it may be shown, on one line; `lines`: its own ends of lines are ones."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in _KEPT or (lines and sign == "\n") else json.dumps(sign)[1:-1]
        for sign in text
    )
