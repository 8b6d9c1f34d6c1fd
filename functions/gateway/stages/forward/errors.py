"""How forwarding fails: a flat family, told apart because whether to try again depends on it.

In: nothing. Out: exceptions. They know no status code: the stage turns them into a Problem.
"""


class ForwardError(Exception):
    """No answer, or not the whole of one. `sent` tells whether the instance may have acted on the request."""

    sent = True


class ConnectFailed(ForwardError):
    """Refused, unreachable, or not connected in time: safe to try again, whatever the method."""

    sent = False


class ConnectionStale(ForwardError):
    """A pooled connection closed before the first byte of an answer: the keep-alive race (RFC 9112, section 9.3.1)."""


class ConnectionBroken(ForwardError):
    """A fresh connection closed without an answer, or any connection in the middle of one."""


class HeadTimeout(ForwardError):
    """The whole request was sent, and no head of an answer came in time."""


class IdleTimeout(ForwardError):
    """The instance stopped sending its body, or stopped taking ours."""


class Misbehaved(ForwardError):
    """The answer breaks HTTP/1.1, or frames its body in two ways at once."""


class UploadFailed(ForwardError):
    """Our own client's body broke off, was too long, or went silent: not the instance's fault.

    `sent` is False when not even its first part came. Its cause is what the body raised, if it did.
    """


class Misuse(ValueError):
    """A request that must not be written: it would split, or contradict its own framing. A bug of the caller."""
