"""A function's PostgreSQL database as a Store: pg_dump writes it as SQL, psql reads that in one transaction.

Owners and rights stay out of it: they belong to the stack that it is loaded into. No password is an argument of a
program. Plain SQL, so that any later PostgreSQL reads it.
"""

import csv
import gzip
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from deploy.engine import Refusal

_QUIET = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1")
_DUMP = ("pg_dump", "--no-owner", "--no-privileges", "--no-password", "--lock-wait-timeout=10s", "--compress=6")
_SCHEMA = "SELECT max(version) FROM public.schema_migrations"

# Also tables that are newer than the backup. The schema itself stays, and with it what it grants on new tables.
_EMPTIED = b"""
BEGIN;
SET LOCAL lock_timeout = '10s';
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', name);
    END LOOP;
END $$;
"""
_DONE = b"\nCOMMIT;\n"  # never sent unless all of the dump was; without it the server rolls back


class Postgres:
    """See deploy.backup.store.Store. `url` is of the role that owns the tables, `reach` runs the server's programs."""

    form = "sql.gz"

    def __init__(self, url: str, reach: Sequence[str] = ()) -> None:
        parts = urlsplit(url)
        user, _, place = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        self._url = urlunsplit(parts._replace(netloc=f"{name}@{place}" if name else place))
        self._environment = {**os.environ, **({"PGPASSWORD": unquote(password)} if password else {})}
        self._reach = list(reach)

    def save(self, file: Path) -> None:
        with file.open("wb") as written:
            self._call(written, *_DUMP)

    def load(self, file: Path) -> None:
        try:
            with gzip.open(file) as dump:
                self._feed(dump)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Refusal(f"{file} is damaged ({error}): use another backup.") from error

    def schema(self) -> int:
        with tempfile.TemporaryFile() as answer:
            self._call(answer, "psql", *_QUIET, "--no-align", "--tuples-only", f"--command={_SCHEMA}")
            answer.seek(0)
            return int(answer.read())

    def rows(self, query: str) -> list[tuple[str, ...]]:
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as answer:
            self._call(answer, "psql", *_QUIET, "--csv", "--tuples-only", f"--command={query}")
            answer.seek(0)
            return [tuple(row) for row in csv.reader(answer)]

    def _feed(self, dump: gzip.GzipFile) -> None:
        command = self._command("psql", *_QUIET)
        with tempfile.TemporaryFile() as said:
            with (
                suppress(BrokenPipeError),  # it has ended early, and says why
                subprocess.Popen(command, env=self._environment, stdin=PIPE, stdout=DEVNULL, stderr=said) as psql,
            ):
                assert psql.stdin is not None
                psql.stdin.write(_EMPTIED)
                shutil.copyfileobj(dump, psql.stdin)
                psql.stdin.write(_DONE)
            if psql.returncode:
                said.seek(0)
                raise Refusal(reason("psql", said.read()))

    def _call(self, written: IO[Any], *command: str) -> None:
        done = subprocess.run(
            self._command(*command), env=self._environment, stdin=DEVNULL, stdout=written, stderr=PIPE, check=False
        )
        if done.returncode:
            raise Refusal(reason(command[0], done.stderr))

    def _command(self, program: str, *options: str) -> list[str]:
        return [*self._reach, program, *options, f"--dbname={self._url}"]


def reason(program: str, said: bytes) -> str:
    """What a program said when it failed, as one sentence: its first line that speaks of an error, or the last."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    told = next((line for line in lines if "error:" in line.lower()), lines[-1] if lines else "it did not say why")
    return f"{program} failed ({told}): correct that and try again."
