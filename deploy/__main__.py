"""`python -m deploy VERB`: reads the command line, chooses the engine, and turns what went wrong into one sentence.

The only `except` for a person's eyes is here; exit code 1 says that a verb was not carried out. What one verb alone
needs is imported there: the others answer sooner.
"""

import argparse
import errno
import os
import signal
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import choice, verbs
from deploy.arguments import parse
from deploy.engine import Engine, Refusal
from deploy.front import LOOPBACK, Front
from runtime.visible import visible

if TYPE_CHECKING:
    from deploy.docker.engine import DockerEngine
    from deploy.local.engine import LocalEngine

ROOT = Path(__file__).resolve().parent.parent
_BEGAN = time.monotonic()
_CHANGING = ("up", "down", "scale", "deploy", "apply", "rollback", "restore")  # who stops watching changes nothing
_UNREAD = 128 + signal.SIGPIPE  # what a shell says of a program that this signal ended


def main(arguments: list[str]) -> int:
    """The exit code of the verb that `arguments` name."""
    options = parse(arguments)
    os.umask(os.umask(0o077) | 0o022)  # what is made here may run, so nobody else may write it
    _interrupt_when_told()
    try:
        code = call(options)
        sys.stdout.flush()  # at the end of the process nobody would catch what this raises
    except Refusal as refusal:
        return _fail(str(refusal))
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has
        _hush()
        return _UNREAD
    except OSError as error:
        return _fail(sentence(error))
    except KeyboardInterrupt:
        if options.verb in _CHANGING:
            print("Interrupted: `just ps` tells what runs.", file=sys.stderr)
        return 130
    return code


def call(options: argparse.Namespace) -> int:
    """Carries out the verb; its exit code."""
    if options.verb in ("help", "completions", "doctor"):
        return call_told(options)
    if options.verb in ("new", "add-upstream", "remove", "package", "unit-config"):
        return call_checkout(options)
    return call_engine(options)


def call_told(options: argparse.Namespace) -> int:
    """Carries out a verb that needs no stack, and perhaps looks at one; its exit code."""
    if options.verb == "help":
        from deploy import help as helping

        return helping.main(ROOT, options.about)
    if options.verb == "completions":
        from deploy import completions

        return completions.main(ROOT, options.shell)
    from deploy.doctor import examine

    return examine.main(ROOT, _state(), os.environ, lambda name: _maker(name)(ROOT, os.environ, say=_say))


def call_checkout(options: argparse.Namespace) -> int:
    """Carries out a verb that is about the checkout; its exit code."""
    from deploy.scaffold import verbs as scaffold

    match options.verb:
        case "new":
            return scaffold.new(ROOT, options.name, stateless=options.stateless)
        case "add-upstream":
            return scaffold.add_upstream(ROOT, options.name, options.url)
        case "remove":
            return scaffold.remove(ROOT, options.name, _agree if options.yes else _ask)
        case "package":
            return scaffold.package(ROOT, options.name, _state() / "packages", options.python, options.home)
        case _:
            return scaffold.unit_config(ROOT, options.python, options.home)


def call_engine(options: argparse.Namespace) -> int:
    """Carries out a verb that is about the stack; its exit code."""
    chosen = choice.choose(ROOT, os.environ, choice.docker_answers)
    make = _maker(chosen.engine)
    developing = options.verb == "dev" or (chosen.developing and options.verb != "up")
    engine: Engine = make(ROOT, os.environ, say=_say, developing=developing)
    match options.verb:
        case "up" | "dev":
            print(f"Engine: {chosen.engine} ({chosen.why})", flush=True)
            runs = partial(verbs.runs, engine)
            with choice.remembered(ROOT, os.environ, chosen.engine, developing=developing, runs=runs):
                code = verbs.up(engine, Front.read(os.environ).address)
            return code if options.verb == "up" else _followed(engine)
        case "down":
            code = verbs.down(engine, data=options.data, yes=options.yes, ask=_ask)
            choice.forget(ROOT, os.environ)
            return code
        case "images":
            from deploy.docker.engine import DockerEngine

            return verbs.images(DockerEngine(ROOT, os.environ, say=_say))
        case "scale":
            return verbs.scale(engine, options.function, options.instances)
        case "deploy":
            return verbs.deploy(engine, everything=options.all)
        case "apply":
            return verbs.apply(engine)
        case "rollback":
            return verbs.rollback(engine)
        case "chaos":
            return call_chaos(engine, chosen.engine, options)
        case "ps" | "logs" | "explain" | "call" | "smoke" | "limits" | "cache":
            return call_looking(engine, options)
        case _:
            return call_data(engine, options)


def call_looking(engine: Engine, options: argparse.Namespace) -> int:
    """Carries out the verbs that show something; the exit code."""
    match options.verb:
        case "ps":
            return verbs.ps(engine)
        case "logs":
            from deploy.logs import show

            return show.main(engine, options)
        case "call":
            from deploy import call as calling

            return calling.main(engine, ROOT, _state() / "people", options)
        case "explain":
            from deploy import explain

            return explain.main(engine, ROOT, options.method, options.target)
        case "cache":
            return verbs.cache(engine, options.what, options.target, options.group, everything=options.all)
        case "limits":
            return verbs.limits(engine, options.text, clear=options.clear, yes=options.yes)
        case _:
            from deploy import smoke

            return smoke.main(engine)


def _followed(engine: Engine) -> int:
    from deploy.logs import show

    return show.followed(engine)


def _maker(name: str) -> "type[DockerEngine | LocalEngine]":
    if name == "docker":
        from deploy.docker.engine import DockerEngine

        return DockerEngine
    from deploy.local.engine import LocalEngine

    return LocalEngine


def call_chaos(engine: Engine, name: str, options: argparse.Namespace) -> int:
    """Does one fault after another to the stack, which is also deployed to from copies of the checkout."""
    from deploy.chaos import run as chaos
    from deploy.chaos.scene import EngineScene

    make = _maker(name)
    told = os.environ | {"PORTICO_STATE": str(_state())}
    here = "host.docker.internal" if name == "docker" else LOOPBACK

    def of(copy: Path) -> Engine:
        return make(copy, told, say=lambda _: None)

    scene = EngineScene(engine, of, ROOT, here, gateways=options.gateways)
    return chaos.main(engine, scene, _state() / "chaos", options)


def call_data(engine: Engine, options: argparse.Namespace) -> int:
    """Carries out the verbs that are about data; the exit code."""
    from deploy.backup import key

    match options.verb:
        case "seed":
            return verbs.seed(engine, again=options.again)
        case "admin":
            return verbs.admin(engine, options.email, create=options.create)
        case "rotate-keys":
            agree = _agree if options.yes else _ask
            return verbs.rotate_keys(engine, at_once=options.now, ask=agree, now=time.time())
        case "backup":
            return verbs.backup(engine, options.folder or _backups(), datetime.now(UTC), key.own(_state()))
        case _:
            ask, own = _agree if options.yes else _ask, key.own(_state())
            of = None if options.unsigned else key.given(options.key) if options.key else own
            return verbs.restore(engine, options.folder, _backups(), ask, datetime.now(UTC), key.Keys(own, of))


def sentence(error: OSError) -> str:
    """What the system refused, and what to do about it."""
    where = error.filename2 or error.filename or "this stack's folder"  # a copy names first what it read
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full at {where}: free some space and try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"There is no right to use {where}: set PORTICO_STATE to a folder of your own."
    return f"The system refused {where} ({error.strerror or error}): correct that and try again."


def _backups() -> Path:
    return _state() / "backups"


def _state() -> Path:
    return Path(os.environ.get("PORTICO_STATE") or ROOT / ".portico").absolute()


def _agree(_question: str) -> str:
    return "y"


def _ask(question: str) -> str:
    try:
        return input(visible(question)).strip()
    except EOFError:
        return ""


def _say(text: str) -> None:
    """One line of progress, and after which time; what is under way is not cut because nobody reads on."""
    try:
        print(f"{time.monotonic() - _BEGAN:5.1f} s  {visible(text, lines=True)}", flush=True)
    except OSError:
        _hush()


def _hush() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(text: str) -> int:
    print(visible(text, lines=True), file=sys.stderr)  # others' last words are in it
    return 1


def _interrupt_when_told() -> None:
    """Who ends this process, or closes its terminal, lets it tidy up: what was stopped is started, and the reverse."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, _interrupt)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
