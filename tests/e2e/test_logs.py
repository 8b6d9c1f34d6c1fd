"""Logs tell why a request failed, and hold no secret.

The end of every run looks for the secrets that its tests used; here is that it would find one.
"""

import json
import secrets
from typing import Any

import httpx

from tests.e2e.people import PASSWORD, log_in
from tests.e2e.stack import Stack, until
from tests.heard import Heard


def test_a_secret_in_any_log_would_be_found(stack: Stack, client: httpx.Client) -> None:
    """One that only this test knows of, in a field that is logged as it comes."""
    planted, heard = secrets.token_urlsafe(32), Heard()
    heard.note(planted)
    client.get("/livez", headers={"User-Agent": planted})
    until(lambda: bool(heard.found_in(stack.logs())))


def test_what_tests_send_and_get_is_looked_for_and_so_are_the_secrets_of_the_stack(
    stack: Stack, client: httpx.Client, heard: Heard
) -> None:
    bearer = log_in(client)
    assert PASSWORD in heard.phrases
    assert set(bearer["Authorization"].removeprefix("Bearer ").split(".")) <= heard.words
    of_the_stack = Heard()
    of_the_stack.note_files(stack.secrets)
    assert of_the_stack.found_in((next(stack.secrets.glob("signing/*.pem"))).read_text())
    assert of_the_stack.found_in((stack.secrets / "redis-url").read_text())


def story(stack: Stack, answer: httpx.Response) -> list[dict[str, Any]]:
    """What `just logs --request` tells of it, once nginx has written its line, which is the last."""
    lines: list[dict[str, Any]] = []

    def told() -> bool:
        done = stack.attempt("logs", "--request", answer.headers["X-Request-Id"], "--json")
        lines[:] = map(json.loads, done.stdout.splitlines())
        return bool(lines) and lines[-1]["instance"].startswith("nginx")

    until(told)
    assert lines[-1]["status"] == str(answer.status_code)
    return lines


def test_a_refused_token_is_told_with_what_is_wrong_with_it(stack: Stack, client: httpx.Client) -> None:
    lines = story(stack, client.get("/orders", headers={"Authorization": "Bearer nonsense"}))
    assert [line["event"] for line in lines] == ["token refused", "request refused", "request"]
    assert lines[0]["why"] == "it does not have three parts"
    assert lines[-1]["problem"] == "unauthenticated"


def test_what_a_function_refuses_is_told_with_its_instance_and_where_it_is_wrong(
    stack: Stack, client: httpx.Client
) -> None:
    first, *_ = story(stack, client.post("/users", json={"email": 1}))
    assert (first["instance"], first["problem"], first["at"]) == (
        "users-1",
        "invalid-request",
        ["/email", "/name", "/password"],
    )


def test_a_function_of_which_nothing_runs_is_told_as_that(stack: Stack, client: httpx.Client) -> None:
    stack.scale(0, "orders")
    *_, why, _ = story(stack, client.get(f"/products/{secrets.token_hex(4)}"))
    stack.scale(1, "orders")
    assert (why["event"], why["level"], why["function"]) == ("request failed", "warning", "orders")
    assert why["problem"] == "upstream-unreachable"


def test_what_the_stack_asks_itself_does_not_fill_the_log(stack: Stack, client: httpx.Client) -> None:
    client.get("/livez")
    until(lambda: '"/livez"' in stack.run("logs", "--polls", "--json", "--since", "10m"))
    assert '"/livez"' not in stack.run("logs", "--json", "--since", "10m")


def test_what_failed_is_found_by_its_level(stack: Stack, client: httpx.Client) -> None:
    story(stack, client.get("/no-such-route"))
    levels = {json.loads(line)["level"] for line in stack.run("logs", "--level", "error", "--json").splitlines()}
    assert levels <= {"error", "critical"}
