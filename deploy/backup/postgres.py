r"""A function's PostgreSQL database as a Store: COPY writes the rows of each table, and reads them back.

A file is gzipped text: a line with a table and its columns, its rows as COPY has them, a line `\.`, and so on, parents
before children. Nothing of a file is carried out: tables are made anew by the checkout's own migrations, and where a
line is no row of a table, the whole transaction is rolled back. No password is an argument of a program.
https://www.postgresql.org/docs/current/sql-copy.html
"""

import csv
import gzip
import os
import re
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from deploy.engine import Refusal
from runtime.database.migrate import TABLE, Migration, statements

_QUIET = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1")
_HEAD = re.compile(rb"([a-z0-9_]+) ([a-z0-9_]+(?:,[a-z0-9_]+)*)\n")  # a table and its columns
_PIECE = 64 * 1024  # bytes
_END = b"\\.\n"
# A row, or what a piece has of it, as COPY writes them: whatever else ends a line, or begins with a backslash, is none.
# What ends in the middle of an escape has its backslash as the group.
_ROW = re.compile(rb"(?:[^\\\r\n\0]++|\\[bfnrtvN\\])*+(\\?|\n)")
_TABLES = """
SELECT c.relname, (
    SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
), (
    SELECT string_agg(DISTINCT p.relname, ',') FROM pg_constraint JOIN pg_class AS p ON p.oid = confrelid
    WHERE conrelid = c.oid AND contype = 'f'
)
FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1
"""
_SNAPSHOT = """
SET client_encoding = 'UTF8';
SET lock_timeout = '10s';
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
"""
_SCHEMA = "SELECT max(version) FROM public.schema_migrations"

_BEGIN = """
SET client_encoding = 'UTF8';
BEGIN;
SET LOCAL lock_timeout = '10s';
"""
_EACH = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('{verb} TABLE public.%I CASCADE', name);
    END LOOP;
END $$;
"""
_SAME = """
DO $$ BEGIN
    IF EXISTS (
        (SELECT version, checksum FROM public.schema_migrations EXCEPT SELECT * FROM (VALUES {applied}) AS v)
        UNION ALL (SELECT * FROM (VALUES {applied}) AS v EXCEPT SELECT version, checksum FROM public.schema_migrations)
    ) THEN RAISE EXCEPTION 'it had other migrations than this checkout'; END IF;
END $$;
COMMIT;
"""


class Postgres:
    """See deploy.backup.store.Store. `url` is of the role that owns the tables, `reach` runs the server's programs."""

    form = "rows.gz"

    def __init__(self, url: str, reach: Sequence[str] = ()) -> None:
        parts = urlsplit(url)
        user, _, place = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        self._url = urlunsplit(parts._replace(netloc=f"{name}@{place}" if name else place))
        self._environment = {**os.environ, **({"PGPASSWORD": unquote(password)} if password else {})}
        self._reach = list(reach)

    def save(self, file: Path) -> None:
        script = [_SNAPSHOT]
        for table, columns in in_order(self.rows(_TABLES)):
            if not _HEAD.fullmatch(f"{table} {columns}\n".encode()):
                raise Refusal(f"The table {table!a} can't be saved: its name, or a column's, is not of [a-z0-9_].")
            copy = f"COPY {_quoted(table, columns)} TO STDOUT;"
            script.append(f"\\echo {table} {columns}\n{copy}\n\\echo '\\\\.'\n")
        try:
            with gzip.open(file, "wb", compresslevel=6) as written:
                for piece in self._saved("".join(script)):
                    written.write(piece)
        except OSError as error:
            raise Refusal(f"{file} can't be written ({error.strerror}): free some space and try again.") from error

    def load(self, file: Path, migrations: Sequence[Migration]) -> None:
        try:
            with gzip.open(file) as saved:
                self._feed(iter(partial(saved.readline, _PIECE), b""), migrations)
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

    def _feed(self, saved: Iterable[bytes], migrations: Sequence[Migration]) -> None:
        command = self._command("psql", *_QUIET)
        with tempfile.TemporaryFile() as said:
            with (
                suppress(BrokenPipeError),  # it has ended early, and says why
                subprocess.Popen(command, env=self._environment, stdin=PIPE, stdout=DEVNULL, stderr=said) as psql,
            ):
                assert psql.stdin is not None
                for piece in _script(saved, migrations):  # what is raised here leaves psql without a COMMIT
                    psql.stdin.write(piece)
            if psql.returncode:
                said.seek(0)
                raise Refusal(reason("psql", said.read()))

    def _saved(self, script: str) -> Iterator[bytes]:
        """What psql says to `script`, piece by piece."""
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
            asked.write(script.encode())
            asked.seek(0)
            command = self._command("psql", *_QUIET)
            with subprocess.Popen(command, env=self._environment, stdin=asked, stdout=PIPE, stderr=said) as psql:
                assert psql.stdout is not None
                while piece := psql.stdout.read(_PIECE):
                    yield piece
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


def in_order(found: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Tables with their columns, each behind those that it refers to; `found` has these as a third value."""
    left = {table: (columns, {*parents.split(",")} - {table, ""}) for table, columns, parents in found}
    while left:
        ready = [table for table, (_, parents) in left.items() if parents.isdisjoint(left)]
        if not ready:
            raise Refusal(f"Tables that refer to each other can't be saved: {', '.join(left)}.")
        for table in ready:
            yield table, left.pop(table)[0]


def _quoted(table: str, columns: str) -> str:
    """Of names that `_HEAD` matches: some of them are words of SQL."""
    listed = ", ".join(f'"{column}"' for column in columns.split(","))
    return f'public."{table}" ({listed})'


def _script(saved: Iterable[bytes], migrations: Sequence[Migration]) -> Iterator[bytes]:
    """What psql is told. Raises Refusal for what `save` would not have written."""
    yield _BEGIN.encode()
    # Also tables that are newer than the backup. The schema itself stays, and with it what it grants on new tables.
    yield _EACH.format(verb="DROP").encode()
    for text in (TABLE, *(statement for migration in migrations for statement in statements(migration.sql))):
        yield f"{text.rstrip().rstrip(';')};\n".encode()
    yield _EACH.format(verb="TRUNCATE").encode()
    for line in saved:
        if not (head := _HEAD.fullmatch(line)):
            raise Refusal(f"The backup has a line that names no table ({line[:80]!r}): use another backup.")
        table, columns = (name.decode() for name in head.groups())
        yield f"COPY {_quoted(table, columns)} FROM STDIN;\n".encode()
        yield from _rows(saved)
    applied = ", ".join(f"({each.version}::bigint, '{each.checksum}'::text)" for each in migrations)
    yield _SAME.format(applied=applied).encode()


def _rows(saved: Iterable[bytes]) -> Iterator[bytes]:
    r"""Those of one table, and the line `\.` that ends them.

    PostgreSQL and psql would also take others for that line, or leave out all that is behind one.
    """
    begins, half = True, b""
    for piece in saved:
        if begins and piece == _END:
            yield piece
            return
        if not (row := _ROW.fullmatch(half + piece)):
            break
        yield piece
        begins, half = piece.endswith(b"\n"), row[1].rstrip()
    raise Refusal("The backup ends, or has what is no row, in the middle of a table: use another backup.")


def reason(program: str, said: bytes) -> str:
    """What a program said when it failed, as one sentence: its first line that speaks of an error, or the last."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    told = next((line for line in lines if "error:" in line.lower()), lines[-1] if lines else "it did not say why")
    told = "".join(each if each.isprintable() else repr(each)[1:-1] for each in told)  # it may quote a row
    return f"{program} failed ({told}): correct that and try again."
