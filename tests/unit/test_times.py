"""The chains of times on which stops and silences depend, read from where each of them is said.

Idle connections: whoever keeps one to a server lets it go before that server closes it. What runs: a route's deadline
ends before an instance that stops is cut off, and that comes before whoever keeps it running kills it. Silence: a
machine that is gone is given up within the longest deadline, by sockets and by kernels alike.
"""

import re
from pathlib import Path

import pytest

from deploy.local.supervisor.config import STOP_GRACE
from functions.gateway.instances.directory import DIRECTORY_INTERVAL
from functions.gateway.instances.dns import DNS_INTERVAL
from functions.gateway.instances.ready import PATIENCE
from functions.gateway.routes import CEILINGS, DEFAULTS, compile_routes
from functions.gateway.stages.forward.client import IDLE_AGE
from runtime import silence
from runtime.manifest import read_all
from runtime.serving import graceful_close
from runtime.serving.serve import HEADER_READ_TIMEOUT, SEEN, Serve
from runtime.units import Duration

ROOT = Path(__file__).parents[2]
SERVE = Serve()
MARGIN = 0.5  # seconds that a busy machine may be late
UPSTREAMS = ["nginx/upstreams/docker.template", "nginx/upstreams/local.template"]


def said(file: str, directive: str) -> float:
    """Seconds that a directive of nginx says wherever it stands, its last argument's."""
    found = re.findall(rf"^\s*{directive} (?:\S+ )*?([0-9]+(?:ms|s));", (ROOT / file).read_text(), re.MULTILINE)
    (value,) = {*found}
    return Duration.parse(value)


def grace(file: str, service: str) -> float:
    """How long Docker waits for a service's containers before it kills them."""
    block = (ROOT / file).read_text().partition(f"\n  {service}:\n")[2].partition("\n\n")[0]
    (value,) = re.findall(r"^    stop_grace_period: (\w+)", block, re.MULTILINE)
    return Duration.parse(value)


# Idle connections.


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_nginx_lets_go_of_a_connection_within_a_gateways_notice(upstream: str) -> None:
    assert said(upstream, "keepalive_timeout") + MARGIN <= SERVE.drain_notice
    assert said(upstream, "keepalive_timeout") < HEADER_READ_TIMEOUT


def test_a_gateway_lets_go_of_a_connection_within_a_functions_notice() -> None:
    assert SERVE.drain_notice >= IDLE_AGE + MARGIN
    assert IDLE_AGE < HEADER_READ_TIMEOUT


def test_whoever_asks_who_is_alive_asks_within_the_notice() -> None:
    assert SERVE.drain_notice >= DNS_INTERVAL + PATIENCE + MARGIN
    assert SERVE.drain_notice >= DIRECTORY_INTERVAL + MARGIN
    assert SEEN >= 2 * DIRECTORY_INTERVAL  # and what is asked of one that is gone is refused, and asked of another
    (valid,) = {*re.findall(r"resolver \S+ valid=([0-9]+s)", (ROOT / UPSTREAMS[0]).read_text())}
    assert Duration.parse(valid) + MARGIN <= SERVE.drain_notice


def test_a_gateway_that_does_not_answer_a_syn_is_given_up_before_it_is_sent_a_second_time() -> None:
    assert said("nginx/snippets/forward.conf", "proxy_connect_timeout") < 1.0


# What runs.


def test_no_route_may_take_longer_than_an_instance_that_stops_waits() -> None:
    ceiling = float(CEILINGS["deadline"])
    assert SERVE.drain_notice + graceful_close.MOMENT + ceiling + MARGIN <= SERVE.kill_timeout
    assert DEFAULTS.deadline is not None
    assert DEFAULTS.deadline <= ceiling
    shipped = [route.policy.deadline for route in compile_routes(read_all(ROOT / "functions"))]
    assert all(deadline is not None and deadline <= ceiling for deadline in shipped)


def test_an_instance_that_stops_ends_by_itself_before_it_is_killed() -> None:
    assert SERVE.kill_timeout + MARGIN <= STOP_GRACE
    assert SERVE.kill_timeout + MARGIN <= grace("deploy/docker/stack.yml", "gateway")
    assert SERVE.kill_timeout + MARGIN <= grace("deploy/docker/function.yml", "service")


def test_nginx_ends_by_itself_before_it_is_killed_and_after_every_deadline() -> None:
    ends = said("nginx/nginx.conf", "worker_shutdown_timeout")
    assert float(CEILINGS["deadline"]) < ends
    assert ends + MARGIN <= min(grace("deploy/docker/stack.yml", "nginx"), STOP_GRACE)


def test_nginx_waits_for_every_deadline() -> None:
    for directive in ("proxy_read_timeout", "proxy_next_upstream_timeout"):
        assert float(CEILINGS["deadline"]) < said("nginx/snippets/forward.conf", directive)


def test_nobody_sets_other_times_where_it_is_deployed() -> None:
    compose = [ROOT / "docker-compose.yml", *ROOT.glob("deploy/docker/*.yml"), *ROOT.glob("functions/*/compose.yml")]
    for file in compose:
        assert not re.search("DRAIN_NOTICE|KILL_TIMEOUT", file.read_text()), file


# Silence.


@pytest.mark.parametrize("file", ["deploy/docker/stack.yml", "deploy/docker/function.yml"])
def test_the_kernels_of_containers_are_told_what_sockets_are_told(file: str) -> None:
    told = dict(re.findall(r"^ +net\.ipv4\.tcp_(\w+): (\d+)$", (ROOT / file).read_text(), re.MULTILINE))
    assert {name: int(value) for name, value in told.items()} == {
        "keepalive_time": silence.QUIET,
        "keepalive_intvl": silence.AGAIN,
        "keepalive_probes": silence.QUESTIONS,
        "retries2": silence.RETRANSMISSIONS,
    }


def test_a_machine_that_is_gone_is_given_up_while_another_may_still_be_asked() -> None:
    ceiling = float(CEILINGS["deadline"])
    assert ceiling > silence.QUIET + silence.AGAIN * silence.QUESTIONS
    assert ceiling > silence.UNACKNOWLEDGED
    by_the_kernel = 0.2 * (2 ** (silence.RETRANSMISSIONS + 1) - 1)  # seconds; Linux, tcp_model_timeout
    assert by_the_kernel < ceiling
    assert by_the_kernel < said("nginx/snippets/forward.conf", "proxy_next_upstream_timeout")
