"""A function that works, made from the templates beside this module, and taken away again.

In: the checkout and a name. Out: the files of functions/NAME and of its tests, its line in docker-compose.yml, and what
the developer's view has of it.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.engine import GATEWAY, Refusal
from deploy.scaffold import names
from runtime.http.url import Url

_TEMPLATES = Path(__file__).with_name("template")
_SUFFIX = ".template"
_COMPOSE, _OVERRIDE = "docker-compose.yml", "compose.override.yml"
_BEFORE = "\n  # An internal network"  # where the functions of the developer's view end


def new(root: Path, name: str, *, stateless: bool) -> list[Path]:
    """Makes function `name` and includes it; the files it made. Raises Refusal for a name that can't be had."""
    made = _written(root, name, rendered(name, "stateless" if stateless else "data"))
    _rewrite(root / _OVERRIDE, lambda text: text.replace(_BEFORE, f"{_view(name)}{_BEFORE}"))
    return made


def upstream(root: Path, name: str, url: Url) -> list[Path]:
    """Puts a service that is run by others behind the gateway as `name`; the files it made. Raises Refusal, too."""
    return _written(root, name, rendered(name, "upstream", url=str(url)))


def _written(root: Path, name: str, files: Mapping[Path, str]) -> list[Path]:
    names.check(root, name)
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")
    _rewrite(root / _COMPOSE, lambda text: included(text, name))
    return list(files)


def remove(root: Path, name: str) -> None:
    """Takes function `name` away, its tests and its line. Raises Refusal when there is none, or no other."""
    found = folders(root, name)
    for folder in found:
        shutil.rmtree(folder)
    _rewrite(root / _COMPOSE, lambda text: excluded(text, name))
    _rewrite(root / _OVERRIDE, lambda text: text.replace(_view(name), ""))


def folders(root: Path, name: str) -> list[Path]:
    """The folders that are there of function `name`. Raises Refusal when it can't be removed."""
    known = sorted(file.parent.name for file in root.glob("functions/*/function.toml"))
    if name == GATEWAY:
        raise Refusal("The gateway can't be removed: it is what the others stand behind.")
    if name not in known:
        raise Refusal(f"There is no function {name}: there are {', '.join(known)}.")
    every = (root / "functions", root / "tests/unit/functions", root / "tests/contract/functions")
    return [folder / name for folder in every if (folder / name).is_dir()]


def rendered(name: str, kind: str, **values: str) -> Mapping[Path, str]:
    """What the files of a function hold, by their paths in the checkout; `kind` is a folder of templates."""
    root = _TEMPLATES / kind
    return {
        Path(str(file.relative_to(root)).replace("NAME", name).removesuffix(_SUFFIX)): _filled(
            file, values | {"name": name, "Name": name.capitalize()}
        )
        for file in sorted(root.rglob(f"*{_SUFFIX}"))
    }


def included(compose: str, name: str) -> str:
    """The include list with a line for `name` behind the other functions'."""
    lines = compose.splitlines(keepends=True)
    last = max(index for index, line in enumerate(lines) if "- functions/" in line)
    return "".join([*lines[: last + 1], _line(name), *lines[last + 1 :]])


def excluded(compose: str, name: str) -> str:
    """The include list without the line for `name`."""
    return compose.replace(_line(name), "")


def _rewrite(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")


def _view(name: str) -> str:
    """What the developer's view has of a function."""
    mounted = f'["./runtime:/srv/runtime:ro", "./functions/{name}:/srv/functions/{name}:ro"]'
    return f"\n  {name}:\n    environment: *developing\n    volumes: {mounted}\n"


def _line(name: str) -> str:
    return f"      - functions/{name}/compose.yml\n"


def _filled(file: Path, values: Mapping[str, str]) -> str:
    text = file.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text
