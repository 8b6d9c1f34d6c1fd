"""The Python that whatever a verb starts runs on: this one, and nothing of how it runs hangs on the environment.

`-E`: no PYTHON* variable says where modules are, what a warning is, or that assertions are left out. `-X utf8`: text is
UTF-8, whatever the locale. The Justfile starts the verbs themselves in the same way.
"""

import sys


def python(*arguments: str) -> list[str]:
    """The command that runs Python with these arguments."""
    return [sys.executable, "-E", "-X", "utf8", *arguments]
