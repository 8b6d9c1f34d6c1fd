"""Programs -> the files that supervisord reads: one of its own, and one for each program.

Pure: text in, text out. One program per instance, so that scaling adds or removes files and touches no other program.
"""

import re
import shlex
from pathlib import Path

from deploy.engine import Refusal
from deploy.local.programs import Program

# supervisord waits this long (seconds) before it kills: longer than `runtime.serve` may take to drain.
STOP_GRACE = 30
_LOG_SIZE, _OLD_LOGS = "10MB", 3
_ATTEMPTS = 1000  # each waits a second longer than the one before; a program that ran is restarted at once

# supervisord's files have no way to write a quote inside a value, and a ";" or "#" after a space starts a comment.
_UNWRITABLE = re.compile(r"""["'\n]|\s[;#]""")


def daemon(socket: Path, logs: Path, root: Path, *, user: str, files: int) -> str:
    """The daemon's own file. `files` is how many descriptors each program may open; `user` is who starts it."""
    as_root = f"user={user}\n" if user == "root" else ""  # said aloud, it does not warn of it
    return f"""[unix_http_server]
file={_value(socket)}
chmod=0700

[supervisord]
{as_root}directory={_value(root)}
logfile={_value(logs / "supervisord.log")}
logfile_maxbytes={_LOG_SIZE}
logfile_backups={_OLD_LOGS}
pidfile={_value(socket.with_name("supervisord.pid"))}
childlogdir={_value(logs)}
minfds={files}
umask=077

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=../programs/*.conf
"""


def program(this: Program, root: Path, log: Path) -> str:
    """One program's file. Raises Refusal when a path in it can't be written down."""
    environment = ",".join(f'{name}="{_value(value)}"' for name, value in sorted(this.environment.items()))
    return f"""[program:{this.name}]
command={shlex.join(map(_value, this.command))}
directory={_value(this.directory or root)}
environment={environment}
priority={this.tier}
autorestart=true
startsecs=1
startretries={_ATTEMPTS}
stopsignal={this.stop_signal}
stopwaitsecs={STOP_GRACE}
killasgroup=true
redirect_stderr=true
stdout_logfile={_value(log)}
stdout_logfile_maxbytes={_LOG_SIZE}
stdout_logfile_backups={_OLD_LOGS}
"""


def _value(value: object) -> str:
    text = str(value)
    if _UNWRITABLE.search(text):
        raise Refusal(
            f"The path {text!r} can't be written into supervisord's files: move the checkout or PORTICO_STATE."
        )
    return text.replace("%", "%%")
