"""`just call POST /orders '{...}'`: one request through the front door, with what its route asks for put in.

In: a method, a target, perhaps a body. Out: request, status and headers for a person (standard error), the body for
whoever wants it (standard output), and an exit code: 0, or 4 and 5 for answers of 400 and 500 on.
"""

import json
import sys
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy import door
from deploy.engine import Engine, Refusal
from deploy.people import People
from functions.gateway.found import find
from runtime.manifest import Manifest, read_all
from runtime.visible import visible

ME = "me"
_KEY = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked. `caller` is a name, or "" for nobody; `headers` are as they will be sent, but for the token."""

    method: str
    target: str
    body: bytes
    headers: Mapping[str, str]
    caller: str


def arguments(parser: ArgumentParser) -> None:
    """What the verb may be given."""
    parser.add_argument("method", type=str.upper)
    parser.add_argument("target")
    parser.add_argument("body", nargs="?", default="", help="JSON; @FILE to read it, - for standard input")
    parser.add_argument("--as", dest="caller", default="", metavar="NAME", help="who calls: me, admin, or any name")
    parser.add_argument("--anonymous", action="store_true", help="without a token")
    parser.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")


def main(engine: Engine, root: Path, people: Path, options: Namespace) -> int:
    """Calls, and shows what came of it; `people` is the folder that remembers who is who."""
    call = prepared(options, read_all(root / "functions"))
    with door.opened(engine.address(), 70) as client:
        known = People(client, people, lambda email: promote(engine, email))
        answer = sent(call, client, known)
    return shown(answer, call.caller)


def prepared(options: Namespace, manifests: Sequence[Manifest]) -> Call:
    """With a token where the route wants one, a key where it honours one, and what the body is. Raises Refusal."""
    route = find(manifests, options.method, options.target)
    policies = {} if isinstance(route, str) else {name: each.value for name, each in route.policies.items()}
    headers = dict(map(_header, options.header))
    given = {name.lower() for name in headers}
    body = _body(options.body)
    if body and "content-type" not in given:
        headers["Content-Type"] = "application/json"
    if policies.get("idempotency") == "honoured" and options.method == "POST" and _KEY.lower() not in given:
        headers[_KEY] = f'"{uuid.uuid4()}"'
    wanted = policies.get("auth") == "bearer" and "authorization" not in given
    caller = "" if options.anonymous else options.caller or (ME if wanted else "")
    return Call(options.method, options.target, body, headers, caller)


def sent(call: Call, client: httpx.Client, people: People) -> httpx.Response:
    """The answer; a 401 is answered with a fresh login, once, as the session may have ended or be too old."""
    if not call.caller:
        return _request(call, client, {})
    answer = _request(call, client, _bearer(people.token(call.caller)))
    if answer.status_code == 401:
        answer = _request(call, client, _bearer(people.token(call.caller, fresh=True)))
    return answer


def promote(engine: Engine, email: str) -> None:
    """Makes an admin of who has just been registered. Raises Refusal."""
    if engine.run("users", "functions.users.admin", email, "--yes"):
        raise Refusal(f"{email} can't be made an admin: read what was said above.")


def shown(answer: httpx.Response, caller: str) -> int:
    """Prints the exchange; its exit code."""
    print(told(answer, caller), file=sys.stderr, flush=True)
    sys.stdout.buffer.write(body(answer, watched=sys.stdout.isatty()))
    sys.stdout.flush()
    return answer.status_code // 100 if answer.is_error else 0


def told(answer: httpx.Response, caller: str) -> str:
    """The request line with what was put in, the status and the headers; never a token."""
    request = answer.request
    lines = [f"> {request.method} {request.url.raw_path.decode()}"]
    lines += [
        f"> {name}: {value}" for name, value in request.headers.items() if name in ("idempotency-key", "if-match")
    ]
    lines += [f"> authorization: Bearer (as {caller})"] if caller else []
    lines += [f"< {answer.status_code} {answer.reason_phrase}"]
    lines += [f"< {name}: {value}" for name, value in answer.headers.multi_items()]
    return "\n".join([*map(visible, lines), ""])


def body(answer: httpx.Response, *, watched: bool) -> bytes:
    """Indented where it is JSON, else as it came; `watched`: by a person, whose terminal obeys nothing in it."""
    content = indented(answer)
    if not watched:
        return content
    return visible(content.decode(errors="surrogateescape"), lines=True).encode()


def indented(answer: httpx.Response) -> bytes:
    """The content, laid out where it is JSON."""
    if "json" in answer.headers.get("content-type", ""):
        with suppress(ValueError):  # it is said to be JSON, and is not
            text = json.dumps(answer.json(), indent=2, ensure_ascii=False)
            return visible(text, lines=True).encode() + b"\n"
    return answer.content


def _request(call: Call, client: httpx.Client, bearer: Mapping[str, str]) -> httpx.Response:
    headers = {**call.headers, **bearer}
    return client.request(call.method, door.url(client, call.target), content=call.body, headers=headers)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise Refusal(f"{text!r} is no header: write 'Name: value'.")
    return name.strip(), value.strip()


def _body(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
