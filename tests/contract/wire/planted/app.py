"""The gateway, but for one thing: an encoded slash or dot in a path means nothing to it."""

import re

from functions.gateway import wire
from functions.gateway.app import application

__all__ = ["application"]

wire._HIDDEN = re.compile(rb"%00")
