"""Which entries of the logs are shown: from a time on, as grave as this, of one request; and in which order.

Pure. What the stack asks itself (health, keys, who answers) is left out unless it is wanted: it comes every second, and
says nothing. A request's story is told in the order of time, where one moment holds several from the inside out.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.engine import GATEWAY
from deploy.logs.entries import LEVELS, Entry

# Asked by gateways, functions and verbs; whoever else asks for these and gets them tells nothing either.
_POLLS = re.compile(
    r'"target":"(?:/(?:livez|readyz|\.well-known/jwks\.json)",.{0,80}?"status":"(?:200|304)"|/\.portico/who",)'
)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")  # as nginx/snippets/request-id.conf takes one


@dataclass(frozen=True, slots=True)
class Selection:
    """`since` is in Unix seconds; `level` one of LEVELS; `request` an id; `polls`: also what the stack asks itself."""

    since: float = 0.0
    level: str = ""
    request: str = ""
    polls: bool = False

    def wants(self, entry: Entry) -> bool:
        """Whether it is shown."""
        text = entry.line.text
        if entry.time < self.since or (self.request and f'"request_id":{json.dumps(self.request)}' not in text):
            return False
        if self.level and LEVELS.index(entry.level) < LEVELS.index(self.level):
            return False
        return self.polls or bool(self.request) or not _POLLS.search(text)


def ordered(entries: Iterable[Entry], last: int | None = None) -> Sequence[Entry]:
    """By time, and of one millisecond from the inside out, as nginx and a gateway write when an answer leaves."""
    told = sorted(entries, key=lambda entry: (round(entry.time * 1e6) // 1000, _depth(entry.line.instance)))
    return told if last is None else told[-last:] if last else []


def _depth(instance: str) -> int:
    return {"nginx": 2, GATEWAY: 1}.get(instance.rpartition("-")[0] or instance, 0)
