"""What starts a package: `python3 FOLDER` serves its function, `python3 FOLDER MODULE ...` runs a module of it once.

It lies in a package as `__main__.py`, beside all that the function needs, and wants nothing of the machine but Python.
"""

import json
import os
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(here: Path, arguments: list[str]) -> None:
    """Runs what `arguments` name, or the server, in the package `here`; ends the process for another Python."""
    wanted = json.loads((here / "unit.json").read_text(encoding="utf-8"))["type"]
    if wanted != (found := f"python {sys.version_info.major}.{sys.version_info.minor}"):
        sys.exit(f"This package is for {wanted}, and this is {found}: run it with the other, or make one for this.")
    (folder,) = (here / "functions").iterdir()
    os.chdir(here)
    sys.path[:0] = [str(here), str(here / "packages")]
    sys.argv = arguments or ["runtime.serving.serve", f"functions/{folder.name}"]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(HERE, sys.argv[1:])
