import re
from pathlib import Path

import pytest

from deploy.local.layout import Layout
from deploy.local.nginx import fill, idle, values

ROOT = Path(__file__).parents[4]


@pytest.fixture
def layout() -> Layout:
    return Layout(ROOT, ROOT / ".portico", 9000)


def test_a_name_in_braces_is_filled_in_and_nginx_own_variables_stay() -> None:
    assert fill("listen ${PORT}; return 200 $uri ${uri};", {"PORT": "1"}) == "listen 1; return 200 $uri ${uri};"


def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("${NOBODY}", {})


@pytest.mark.parametrize(
    "template", ["templates/default.conf.template", "templates/tls.inc.template", "upstreams/local.template"]
)
def test_the_templates_ask_for_nothing_else(layout: Layout, template: str) -> None:
    assert "${" not in fill((ROOT / "nginx" / template).read_text(), values(layout))


def test_the_upstream_lists_every_slot_twice_with_and_without_what_was_counted(layout: Layout) -> None:
    text = fill((ROOT / "nginx/upstreams/local.template").read_text(), values(layout))
    counted, any_gateway = text.split("upstream any_gateway {")
    slots = [str(port) for port in range(9100, 9116)]
    assert re.findall(r"server 127\.0\.0\.1:(\d+) max_fails=2 fail_timeout=1s;", counted) == slots
    assert re.findall(r"server 127\.0\.0\.1:(\d+) max_fails=0;", any_gateway) == slots


def test_what_has_no_tls_is_for_this_machine_alone_where_there_is_some() -> None:
    told = values(Layout.read(ROOT, {"TLS": "self-signed", "BIND": "192.0.2.1"}))
    assert (told["BIND"], told["TLS_BIND"]) == ("127.0.0.1", "192.0.2.1")


def test_an_ipv6_address_is_put_in_brackets() -> None:
    assert values(Layout(ROOT, ROOT, 9000, "::1"))["BIND"] == "[::1]"


@pytest.mark.parametrize(
    ("version", "lingers"), [((1, 22, 1), False), ((1, 27, 3), False), ((1, 27, 4), True), ((), False)]
)
def test_idle_connections_stay_at_a_reload_where_nginx_can_have_that(version: tuple[int, ...], lingers: bool) -> None:  # noqa: FBT001  a row
    assert (idle(version) == "keepalive_min_timeout 2s;\n") == lingers
