"""What the verbs say and ask that are about the checkout, and about nothing that runs.

Each takes the checkout's folder and returns the exit code.
"""

from collections.abc import Callable
from pathlib import Path

from deploy.engine import Refusal
from deploy.package import bundle, contents, unit
from deploy.scaffold import create
from runtime.http.url import Url
from runtime.visible import visible

Ask = Callable[[str], str]


def new(root: Path, name: str, *, stateless: bool) -> int:
    """Makes a function, and says what comes next."""
    for file in create.new(root, name, stateless=stateless):
        print(file)
    unit.write(root)
    print(f"\n{name} is there: `just up` starts it, `just test` tests it. Begin in functions/{name}/app.py")
    return 0


def add_upstream(root: Path, name: str, url: str) -> int:
    """Puts a service that is run by others behind the gateway, and says what comes next."""
    try:
        parsed = Url.parse(url)
    except ValueError as error:
        raise Refusal(f"{error}.") from None
    for file in create.upstream(root, name, parsed):
        print(file)
    print(
        f"\n{name} is there: `just apply` puts {parsed} behind the gateway. Its routes: functions/{name}/function.toml"
    )
    return 0


def remove(root: Path, name: str, ask: Ask) -> int:
    """Takes a function away, once the answer is y."""
    doomed = ", ".join(str(folder.relative_to(root)) for folder in create.folders(root, name))
    if ask(f"Delete {doomed}? [y/N] ").lower() != "y":
        raise Refusal("Nothing was deleted: answer y, or give --yes.")
    kept = "Its data stays until `just down --data`." if (root / "functions" / name / "schema").is_dir() else ""
    create.remove(root, name)
    unit.write(root)
    print(f"{name} is gone from the checkout: `just up` takes it out of what runs. {kept}".rstrip())
    return 0


def package(root: Path, name: str, to: Path, python: str, home: str) -> int:
    """Makes one archive of a function and all that it needs, to be unpacked in `home`, and says how it is run."""
    made = bundle.build(root, name, to, python, home)
    for file in contents.left_out(root, name):
        print(f"Left out, as git does not know it: {visible(file.relative_to(root))}")
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB, for Python {python})")
    print(f"Unpack it in {home}, then `python3 {home}/{name}` serves it; for NGINX Unit see docs/unit.md")
    return 0


def unit_config(root: Path, python: str, home: str) -> int:
    """Writes what NGINX Unit is told of the functions, whose packages are for that Python and unpacked in `home`."""
    for file in unit.write(root, python, home):
        print(file)
    return 0
