"""A module that runs once and ends: where an instance of a function would run, and told what that would be told."""

import os
import subprocess

from deploy.interpreter import python
from deploy.local.layout import Layout
from deploy.local.programs import settings
from deploy.undisturbed import apart


def run(
    layout: Layout, function: str, module: str, *arguments: str, quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """With this terminal, or its output kept when `quiet`."""
    environment = dict(os.environ) | settings(layout, function)
    command = python("-m", module, *arguments)
    if quiet:
        return apart(command, cwd=layout.home(function), env=environment)
    return subprocess.run(command, cwd=layout.home(function), env=environment, check=False, text=True)
