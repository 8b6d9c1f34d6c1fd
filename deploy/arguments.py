"""What each verb may be given: the command line, as argparse reads it.

In: nothing. Out: a parser, whose result has the verb and what it was given. It carries nothing out.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from deploy import call
from deploy.chaos import run as chaos
from deploy.engine import GATEWAY
from deploy.package import unit
from functions.gateway import cached, limits
from runtime.visible import visible

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Verbs = _SubParsersAction[ArgumentParser]


class _Exactly(ArgumentParser):
    """Takes no option for another that begins so: `down --d --y` would delete databases."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  as argparse has them
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Ends the process; what was typed is shown written out, as it may be a name that a stranger chose."""
        super().error(visible(message))


def parser() -> ArgumentParser:
    """Of `python -m deploy`; an unknown verb or option ends the process with a usage message, as argparse does."""
    parser: ArgumentParser = _Exactly(prog="just")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("up", "dev", "ps", "smoke", "images", "apply", "rollback"):
        verbs.add_parser(name)
    _stack(verbs)
    _data(verbs)
    _look(verbs)
    _work(verbs)
    return parser


def _stack(verbs: "Verbs") -> None:
    down = verbs.add_parser("down")
    down.add_argument("--data", action="store_true", help="delete databases and secrets, too (asks)")
    _sure(down)
    scale = verbs.add_parser("scale")
    scale.add_argument("instances", type=int)
    scale.add_argument("function", nargs="?", default=GATEWAY)
    verbs.add_parser("deploy").add_argument("--all", action="store_true", help="also what did not change")
    verbs.add_parser("logs").add_argument("name", nargs="?", default="")


def _data(verbs: "Verbs") -> None:
    verbs.add_parser("seed").add_argument("--again", action="store_true", help="fill up what was sold, too")
    admin = verbs.add_parser("admin")
    admin.add_argument("email")
    admin.add_argument("--create", action="store_true", help="make the account, if nobody has this address")
    verbs.add_parser("backup").add_argument("folder", nargs="?", type=Path, help="where to put it, by its date")
    restore = verbs.add_parser("restore")
    restore.add_argument("folder", type=Path)
    who = restore.add_mutually_exclusive_group()
    who.add_argument("--key", type=Path, metavar="FILE", help="the backup-key of another stack that made it")
    who.add_argument("--unsigned", action="store_true", help="take it whoever wrote it")
    _sure(restore)
    rotate = verbs.add_parser("rotate-keys")
    rotate.add_argument("--now", action="store_true", help="withdraw all other keys, too: access tokens end (asks)")
    _sure(rotate)


def _look(verbs: "Verbs") -> None:
    call.arguments(verbs.add_parser("call"))
    explain = verbs.add_parser("explain")
    explain.add_argument("method", type=str.upper)
    explain.add_argument("target")
    limits.arguments(verbs.add_parser("limits"))
    cached.arguments(verbs.add_parser("cache"))


def _work(verbs: "Verbs") -> None:
    new = verbs.add_parser("new")
    new.add_argument("name")
    new.add_argument("--stateless", action="store_true", help="without a database")
    upstream = verbs.add_parser("add-upstream")
    upstream.add_argument("name")
    upstream.add_argument("url")
    remove = verbs.add_parser("remove")
    remove.add_argument("name")
    _sure(remove)
    package = verbs.add_parser("package")
    package.add_argument("name")
    for verb in (package, verbs.add_parser("unit-config")):
        verb.add_argument("--python", type=_version, default=unit.HERE, help="what it is to run on, as in 3.13")
        verb.add_argument("--home", default=unit.HOME, help="the folder where packages are unpacked")
    chaos.arguments(verbs.add_parser("chaos"))


def _version(text: str) -> str:
    if not re.fullmatch(r"3\.[0-9]{1,2}", text):
        raise ArgumentTypeError(f"{text!r} is no version of Python: write it as in 3.13")
    return text


def _sure(verb: ArgumentParser) -> None:
    verb.add_argument("--yes", action="store_true", help="don't ask")
