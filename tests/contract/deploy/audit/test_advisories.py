"""What is known to be wrong: pip-audit as it is installed, and a database that knows one thing about one package."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.audit.advisories import Finding, findings, known
from deploy.engine import Refusal

ADVISORY = {
    "id": "TEST-1",
    "summary": "It forgets.",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "forgetful"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = json.dumps({"vulns": [ADVISORY]} if asked["package"]["name"] == "forgetful" else {}).encode()
        told = b"<html>" if asked["package"]["name"] == "garbled" else told
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def database() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        server.shutdown()


def lock(folder: Path, *names: str) -> Path:
    file = folder / "lock.txt"
    file.write_text("".join(f"{name} \\\n    --hash=sha256:{'ab' * 32}\n" for name in names))
    return file


def test_what_is_known_is_found(database: str, tmp_path: Path) -> None:
    found = known([lock(tmp_path, "forgetful==1.0", "sound==2.0")], database)
    assert found == [Finding("forgetful", "1.0", "TEST-1", ("1.1",))]
    assert str(found[0]) == "forgetful 1.0: TEST-1 (fixed in 1.1)"


def test_what_nobody_knows_anything_of_is_fine(database: str, tmp_path: Path) -> None:
    assert known([lock(tmp_path, "sound==2.0")], database) == []


def test_a_database_that_is_away_is_told_and_not_taken_for_good_news(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="Nothing could be learnt") as refused:
        known([lock(tmp_path, "sound==2.0")], "http://127.0.0.1:9/v1/query")
    assert str(refused.value) == (
        "Nothing could be learnt of known vulnerabilities, as 127.0.0.1 can't be reached: "
        "see that this machine is online, or set OSV_URL to a mirror."
    )


def test_a_database_that_makes_no_sense_is_told_without_its_words(tmp_path: Path, database: str) -> None:
    with pytest.raises(Refusal, match=r"as 127\.0\.0\.1 gave no answer of use: see"):
        known([lock(tmp_path, "garbled==2.0")], database)


def test_what_was_left_out_is_told_and_not_taken_for_good_news() -> None:
    told = {"dependencies": [{"name": "sound", "version": "1", "vulns": []}, {"name": "odd", "skip_reason": "no"}]}
    with pytest.raises(Refusal, match="Nothing is known of odd"):
        findings(told)
