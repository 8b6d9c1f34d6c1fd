"""What is known to be wrong with what lock files name: pip-audit asks an advisory database, OSV or a mirror of it.

In: lock files, the database's URL. Out: findings, or a Refusal when it can't be asked: what nobody could look up is
never taken for sound.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from deploy.engine import Refusal
from deploy.interpreter import python

_OSV = "https://api.osv.dev"  # as pip-audit has it
_UNREACHED = re.compile(r"Connection|Timeout|ProxyError|SSLError|resolve", re.IGNORECASE)  # of its traceback


class Finding(NamedTuple):
    """One advisory about one package; `fixed` are the versions that don't have it."""

    package: str
    version: str
    advisory: str
    fixed: Sequence[str]

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {self.advisory} (fixed in {', '.join(self.fixed) or 'no version yet'})"


def known(locks: Iterable[Path], database: str = "") -> list[Finding]:
    """Everything that is known. Raises Refusal."""
    asked = [part for lock in sorted(locks) for part in ("--requirement", str(lock))]
    options = ["--disable-pip", "--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"]
    options += ["--osv-url", database] if database else []
    done = subprocess.run(python("-m", "pip_audit", *options, *asked), check=False, capture_output=True, text=True)
    try:
        return findings(json.loads(done.stdout))
    except ValueError:
        where = urlsplit(database or _OSV).hostname
        why = f"{where} can't be reached" if _UNREACHED.search(done.stderr) else f"{where} gave no answer of use"
        raise Refusal(
            f"Nothing could be learnt of known vulnerabilities, as {why}: "
            "see that this machine is online, or set OSV_URL to a mirror."
        ) from None


def findings(told: dict[str, Any]) -> list[Finding]:
    """What pip-audit's JSON says. Raises Refusal where it says that it left something out."""
    left_out = [each["name"] for each in told["dependencies"] if "skip_reason" in each]
    if left_out:
        raise Refusal(f"Nothing is known of {', '.join(left_out)}: the advisory database doesn't have them.")
    found = {
        Finding(each["name"], each["version"], advisory["id"], (*advisory["fix_versions"],))
        for each in told["dependencies"]
        for advisory in each["vulns"]
    }
    return sorted(found)
