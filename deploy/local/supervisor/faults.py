"""What supervisord answers where it can't do something, by the numbers of its protocol.

supervisor.xmlrpc has them, too, with the server that speaks it: every verb would import that to look at a number.
"""

from enum import IntEnum


class Faults(IntEnum):
    """Those that are told apart here."""

    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    ALREADY_ADDED = 90
    STILL_RUNNING = 91
