"""`just audit`: a bill of materials for each function's image, and what is known to be wrong with any of it.

Bills come first: they need nobody's answer. The exit code is 1 where something is known to be wrong, and a Refusal says
when nobody could be asked.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.audit.advisories import known
from deploy.audit.bill import Base, bill
from deploy.engine import Refusal
from runtime.manifest import run_here
from runtime.visible import visible

_REQUIREMENTS = re.compile(r"REQUIREMENTS: *([\w-]+)")


def audit(root: Path, functions: Iterable[str], folder: Path, database: str) -> int:
    """Writes `folder`/FUNCTION.cdx.json for each of `functions`, then tells what is known; the exit code."""
    locks = {name: lock(root, name) for name in functions}
    base = Base.read((root / "functions/Dockerfile").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in locks.items():
        written = folder / f"{name}.cdx.json"
        written.write_text(bill(f"portico-{name}", file.read_text(encoding="utf-8"), base), encoding="utf-8")
        print(f"What portico-{name} is made of: {written}")
    found = known({*locks.values()}, database)
    for finding in found:
        print(visible(finding, lines=True))  # others' words
    print(f"{len(found)} known vulnerabilities." if found else "No known vulnerability.")
    return 1 if found else 0


def lock(root: Path, function: str) -> Path:
    """The lock file that the image of `function` is made by: that of its name, or the one its compose file says."""
    compose = root / "functions" / function / "compose.yml"
    said = _REQUIREMENTS.search(compose.read_text(encoding="utf-8")) if compose.exists() else None
    return root / "requirements" / f"{said[1] if said else function}.txt"


def main(environment: Mapping[str, str]) -> int:
    """For this checkout; what can't be done is told in a sentence."""
    root = Path(__file__).resolve().parents[2]
    state = Path(environment.get("PORTICO_STATE") or root / ".portico")
    try:
        return audit(root, run_here(root / "functions"), state / "audit", environment.get("OSV_URL", ""))
    except Refusal as refusal:
        print(visible(refusal, lines=True), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
