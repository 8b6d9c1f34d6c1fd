"""What handlers of orders are given by name, and how they look up what a path names."""

from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency

from runtime.database import Database
from runtime.http.problem import NOT_FOUND, Problem
from runtime.http.validation import Invalid, convert
from runtime.identity.verifier import Principal

T = TypeVar("T")
Asked = Request[Any, Any, State]
Data = NamedDependency[Database]
Caller = NamedDependency[Principal]


def named(kind: Any, text: str) -> str:  # noqa: ANN401  an annotation
    """`text`, from a path. Raises Problem not-found for what is no `kind` of name: nothing is called that."""
    try:
        return str(convert(text, kind))
    except Invalid:
        raise Problem(NOT_FOUND) from None


def existing(found: T | None) -> T:
    """What was found. Raises Problem not-found for None."""
    if found is None:
        raise Problem(NOT_FOUND)
    return found
