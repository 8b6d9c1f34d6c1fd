"""Programs -> the files that supervisord reads: one of its own, and one for each program.

Pure: text in, text out. One program per instance, so that scaling adds or removes files and touches no other program.
supervisord runs in the stack's folder, so that its own paths are short and plain. What a program is told stands in its
command alone, in a form that holds any text: supervisord's other values have none for a quote, or for a comment's sign.
"""

import glob
import re
from pathlib import Path

from deploy.engine import Refusal
from deploy.local.programs import Program

# supervisord waits this long (seconds) before it kills: longer than `runtime.serving.serve` may take to drain.
STOP_GRACE = 30
_LOG_SIZE, _OLD_LOGS = "10MB", 3
_ATTEMPTS = 1000  # each waits a second longer than the one before; a program that ran is restarted at once

_START = 'cd "$0" && exec env "$@"'  # the directory, then what it is told, then the command, whose process this becomes
_UNWRITABLE = re.compile(r"[\0\r\n\ud800-\udfff]")  # a line's end, and what is no UTF-8
_SIGNS = re.compile("[;#(]")  # of a comment, and of %(here)s, which is filled in before %% is read


def daemon(programs: Path, *, user: str, files: int) -> str:
    """The daemon's own file. `files` is how many descriptors each program may open; `user` is who starts it."""
    as_root = f"user={user}\n" if user == "root" else ""  # said aloud, it does not warn of it
    return f"""[unix_http_server]
file=run/supervisor.sock
chmod=0700

[supervisord]
{as_root}logfile=logs/supervisord.log
logfile_maxbytes={_LOG_SIZE}
logfile_backups={_OLD_LOGS}
pidfile=run/supervisord.pid
childlogdir=logs
minfds={files}
umask=077

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={_pattern(programs)}/*.conf
"""


def program(this: Program) -> str:
    """One program's file. Raises Refusal when a path in it can't be written down."""
    told = [f"{name}={value}" for name, value in sorted(this.environment.items())]
    return f"""[program:{this.name}]
command={" ".join(map(_quoted, ["sh", "-c", _START, str(this.directory), *told, *this.command]))}
priority={this.tier}
autorestart=true
startsecs=1
startretries={_ATTEMPTS}
stopsignal={this.stop_signal}
stopwaitsecs={STOP_GRACE}
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{this.name}.log
stdout_logfile_maxbytes={_LOG_SIZE}
stdout_logfile_backups={_OLD_LOGS}
"""


def _quoted(word: str) -> str:
    """As a shell would have it quoted. A sign stands between quotes of its own, and so behind no space and no %."""
    inside = _writable(word).replace("'", "'\"'\"'")
    return "'" + _SIGNS.sub(lambda sign: f"'\"{sign[0]}\"'", inside) + "'"


def _pattern(folder: Path) -> str:
    """One that finds this folder: any character may stand where supervisord would see whitespace or a sign."""
    return re.sub(r"[\s(]", "?", glob.escape(_writable(str(folder))))


def _writable(text: str) -> str:
    if _UNWRITABLE.search(text):
        raise Refusal(
            f"The path {text!r} can't be written into supervisord's files: move the checkout or PORTICO_STATE."
        )
    return text.replace("%", "%%")
