"""What each verb may be given: the command line, as argparse reads it.

In: what was typed. Out: the verb and what it was given. It carries nothing out, and imports what is one verb's for that
verb only.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from deploy.engine import GATEWAY
from runtime.visible import visible

if TYPE_CHECKING:
    from argparse import Namespace, _SubParsersAction

    Verbs = _SubParsersAction[ArgumentParser]


SHELLS = ("bash", "zsh", "fish")


class _Exactly(ArgumentParser):
    """Takes no option for another that begins so: `down --d --y` would delete databases."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  as argparse has them
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Ends the process; what was typed is shown written out, as it may be a name that a stranger chose."""
        super().error(visible(message))


def parse(words: Sequence[str]) -> "Namespace":
    """An unknown verb or option ends the process with the usage of what was typed, as argparse does."""
    parser, verbs = _made(words[:1])
    options, more = parser.parse_known_args(words)
    if more:
        verbs[options.verb].error(f"unrecognized arguments: {' '.join(more)}")
    return options


def parsers(*verbs: str) -> Mapping[str, ArgumentParser]:
    """Of each verb by its name, with all that it may be given, or of those that are named.

    Also of one that the gateway carries out by itself.
    """
    found = dict(_made(verbs or [*_GIVEN])[1])
    if not verbs or "routes" in verbs:
        from functions.gateway import listing

        found["routes"] = listing.parser()
    return found


def _made(filled: Collection[str]) -> tuple[ArgumentParser, Mapping[str, ArgumentParser]]:
    """Of those verbs whose arguments take an import, only the ones of `filled` have them."""
    parser: ArgumentParser = _Exactly(prog="just")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("up", "dev", "ps", "smoke", "images", "apply", "rollback", "doctor"):
        verbs.add_parser(name)
    _told(verbs)
    _stack(verbs)
    _data(verbs)
    _work(verbs)
    for name, given in _GIVEN.items():
        given(verbs.add_parser(name)) if name in filled else verbs.add_parser(name)
    return parser, verbs.choices


def _told(verbs: "Verbs") -> None:
    verbs.add_parser("help").add_argument("about", nargs="?", default="", metavar="VERB")
    verbs.add_parser("completions").add_argument("shell", choices=SHELLS)


def _stack(verbs: "Verbs") -> None:
    down = verbs.add_parser("down")
    down.add_argument("--data", action="store_true", help="delete databases and secrets, too (asks)")
    _sure(down)
    scale = verbs.add_parser("scale")
    scale.add_argument("instances", type=_number, metavar="N", help="how many, 0 to 16")
    scale.add_argument("function", nargs="?", default=GATEWAY, metavar="NAME", help="of which function (gateway)")
    verbs.add_parser("deploy").add_argument("--all", action="store_true", help="also what did not change")


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


def _call(verb: ArgumentParser) -> None:
    from deploy import call

    call.arguments(verb)


def _explain(verb: ArgumentParser) -> None:
    verb.add_argument("method", type=str.upper)
    verb.add_argument("target")


def _limits(verb: ArgumentParser) -> None:
    from functions.gateway import verbs

    verbs.limits(verb)


def _cache(verb: ArgumentParser) -> None:
    from functions.gateway import verbs

    verbs.cache(verb)


def _packaged(verb: ArgumentParser) -> None:
    from deploy.package import unit

    verb.add_argument("--python", type=_version, default=unit.HERE, help="what it is to run on, as in 3.13")
    verb.add_argument("--home", default=unit.HOME, help="the folder where packages are unpacked")


def _logs(verb: ArgumentParser) -> None:
    from deploy.logs import show

    show.arguments(verb)


def _package(verb: ArgumentParser) -> None:
    verb.add_argument("name")
    _packaged(verb)


def _chaos(verb: ArgumentParser) -> None:
    from deploy.chaos import run

    run.arguments(verb)


_GIVEN: dict[str, Callable[[ArgumentParser], None]] = {
    "call": _call,
    "explain": _explain,
    "logs": _logs,
    "limits": _limits,
    "cache": _cache,
    "package": _package,
    "unit-config": _packaged,
    "chaos": _chaos,
}


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


def _version(text: str) -> str:
    if not re.fullmatch(r"3\.[0-9]{1,2}", text):
        raise ArgumentTypeError(f"{text!r} is no version of Python: write it as in 3.13")
    return text


def _number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ArgumentTypeError(f"{text!r} is no number of instances: write it as in 2")
    return int(text)


def _sure(verb: ArgumentParser) -> None:
    verb.add_argument("--yes", action="store_true", help="don't ask")
