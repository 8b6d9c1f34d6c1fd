"""Golden files: a folder of manifests in, and beside it, as text, what must come out of them."""

from pathlib import Path

from runtime.manifest import Manifest, read_all

FOLDER = Path(__file__).with_name("unit") / "golden"


def manifests(case: str) -> list[Manifest]:
    """Those of one case."""
    return read_all(FOLDER / case)


def expected(case: str, name: str) -> str:
    """What was agreed to come out. To agree to something else, write the file anew and read what changed."""
    return (FOLDER / case / name).read_text(encoding="utf-8")
