"""Logs hold no secret. The end of every run looks for those that its tests used; here is that it would find one."""

import secrets

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
