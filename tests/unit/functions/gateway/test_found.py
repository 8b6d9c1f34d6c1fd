"""Which route a request has, and why another has none."""

import pytest

from functions.gateway.found import find
from functions.gateway.listing import Listed
from tests import golden


@pytest.mark.parametrize(
    ("method", "target", "why"),
    [
        ("GET", "/thing/42", "404 no-such-route: the nearest is GET /things/{id}."),
        ("GET", "/qqq", "404 no-such-route: nothing is like it."),
        ("PUT", "/things", "405 method-not-allowed: /things has POST."),
        ("GET", "/things/../others", "400 malformed-request: The path has a dot segment: send it resolved."),
        ("GET", "things", "400 malformed-request: "),
    ],
)
def test_a_request_without_a_route_is_told_why(method: str, target: str, why: str) -> None:
    assert str(find(golden.manifests("sound"), method, target)).startswith(why)


def test_head_has_the_route_of_get() -> None:
    found = find(golden.manifests("sound"), "HEAD", "/things/1")
    assert isinstance(found, Listed)
    assert found.route.template == "GET /things/{id}"
