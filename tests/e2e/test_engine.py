"""The verbs, as a user gives them, on the real thing."""

import subprocess
import sys

from tests.e2e.stack import ROOT, DockerStack, Stack


def test_a_second_up_changes_nothing_and_says_so(stack: Stack) -> None:
    before = stack.instances()
    assert "nothing was changed" in stack.run("up")
    assert stack.instances() == before


def test_up_says_which_engine_it_took_and_why_where_it_listens_and_what_to_try(stack: Stack) -> None:
    said = stack.run("up")
    assert f"Engine: {stack.engine} (ENGINE={stack.engine})" in said
    assert f"http://localhost:{stack.port}" in said
    assert "curl -i" in said


def test_ps_lists_every_instance_ready(stack: Stack) -> None:
    rows = {row.name.removesuffix("-1"): row.state for row in stack.instances()}
    assert rows.items() >= dict.fromkeys(["nginx", "gateway", "orders", "users", "redis"], "ready").items()


def test_a_port_that_is_taken_is_one_sentence_and_leaves_nothing(stack: Stack, short_folder: str) -> None:
    elsewhere = {"PORTICO_STATE": short_folder, "PORTICO_PROJECT": "portico-late"}
    refused = stack.attempt("up", **elsewhere)
    assert refused.returncode == 1
    assert f"{stack.port}" in refused.stderr
    assert "taken" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert stack.attempt("ps", **elsewhere).stderr.startswith("Nothing is running")
    if isinstance(stack, DockerStack):
        stack.forget_images("portico-late")


def test_scaling_to_what_is_not_there_is_refused_with_the_reason(stack: Stack) -> None:
    assert (
        "There is no function payments: there are gateway, orders, users."
        in stack.attempt("scale", 2, "payments").stderr
    )
    assert "Can't run 17 instances of gateway; use 0 to 16." in stack.attempt("scale", 17).stderr


def test_logs_follow_a_function(stack: Stack) -> None:
    command = [sys.executable, "-m", "deploy", "logs", "users", "--follow"]
    with subprocess.Popen(command, env=stack.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline().split()[1] == "users-1"
        following.terminate()


def test_logs_of_an_instance_that_is_not_there_are_refused_with_those_that_are(stack: Stack) -> None:
    refused = stack.attempt("logs", "gateway-17")
    assert refused.returncode == 1
    assert refused.stderr.startswith("gateway-17 does not run: there are ")
    assert "gateway-1" in refused.stderr
