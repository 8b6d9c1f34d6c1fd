"""Who may call a handler, beyond what the gateway has checked already: a function verifies for itself.

In: the request's Authorization header, or the principal that came of it. Out: the principal, or the Problem that says
what is missing. It knows no user and no session: whether those still exist is for the function that owns them.
"""

from typing import Any, Protocol

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency

from runtime.http.problem import FORBIDDEN, UNAUTHENTICATED, Problem
from runtime.identity.verifier import Principal, Refused, Verifier, bearer, invalid
from runtime.telemetry import log

logger = log.get(__name__)
# Asked for `info` each time: under NGINX Unit logging is set up after this module is imported.
tell_refusal = log.Sparing(lambda event, **said: logger.info(event, **said))  # noqa: PLW0108  see above

RECENT = 300  # seconds since the login within which it counts as recent


class HasRole(Protocol):
    """A principal, or a user whose role is known first hand."""

    @property
    def role(self) -> str: ...


async def principal(request: Request[Any, Any, State], verifier: NamedDependency[Verifier]) -> Principal:
    """A dependency of Litestar handlers: who the bearer token speaks for. Raises Problem unauthenticated."""
    try:
        return await verifier.verify(bearer(_authorization(request)))
    except Refused as refusal:
        tell_refusal("token refused", why=refusal.why)
        raise


def _authorization(request: Request[Any, Any, State]) -> bytes | None:
    """Of two, whoever stood before this function may have judged the other."""
    found = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if len(found) > 1:
        raise invalid("it came twice")
    return found[0] if found else None


def require_role(who: HasRole, role: str) -> None:
    """Raises Problem forbidden (RFC 6750, section 3.1) for anyone without `role`."""
    if who.role != role:
        challenge = b'Bearer error="insufficient_scope"'
        raise Problem(FORBIDDEN, f"Only for the role `{role}`.", headers=[(b"www-authenticate", challenge)])


def require_recent(principal: Principal, now: float) -> None:
    """Raises Problem unauthenticated (RFC 9470, section 3) unless the login was less than RECENT seconds ago."""
    if now - principal.authenticated_at >= RECENT:
        challenge = f'Bearer error="insufficient_user_authentication", max_age={RECENT}'
        raise Problem(
            UNAUTHENTICATED,
            "Log in again: this needs a recent login.",
            headers=[(b"www-authenticate", challenge.encode())],
        )
