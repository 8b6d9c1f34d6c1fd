"""A field of a request, line by line as it came.

In: an ASGI scope's headers, whose names are in lower case (ASGI, HTTP connection scope). Looking through these few
costs a tenth of Litestar's dictionary of them all.
"""

from collections.abc import Iterable

from runtime.http.problem import Header


def lines(headers: Iterable[Header], name: bytes) -> list[str]:
    """The values of all lines of that name, in order."""
    return [value.decode("latin-1") for each, value in headers if each == name]


def listed(headers: Iterable[Header], name: bytes) -> str | None:
    """Several lines are one list (RFC 9110, section 5.3); None where there is none."""
    found = lines(headers, name)
    return ", ".join(found) if found else None
