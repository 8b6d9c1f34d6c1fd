"""deploy/docker/stack.yml and the functions' compose files: who is included."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_every_function_is_included_and_every_file_that_is_included_is_there() -> None:
    included = re.findall(r"- (\S+\.yml)", (ROOT / "docker-compose.yml").read_text())
    assert all((ROOT / file).exists() for file in included)
    functions = {path.parent.name for path in ROOT.glob("functions/*/function.toml")} - {"gateway"}
    assert {f"functions/{name}/compose.yml" for name in functions} <= set(included)
