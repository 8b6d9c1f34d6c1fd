"""The Python that whatever a verb starts runs on: this one, and nothing of how it runs hangs on the environment.

`-E`: no PYTHON* variable says where modules are, what a warning is, or that assertions are left out. `-X utf8`: text is
UTF-8, whatever the locale. The Justfile starts the verbs themselves in the same way.
"""

import sys
from collections.abc import Mapping


def python(*arguments: str) -> list[str]:
    """The command that runs Python with these arguments."""
    return [sys.executable, "-E", "-X", "utf8", *arguments]


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program that starts a Python by itself, as uv does, may know of `environment`; it writes no colours."""
    told = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    told.pop("FORCE_COLOR", None)
    return told | {"NO_COLOR": "1"}
