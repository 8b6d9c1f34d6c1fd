"""What becomes of one request: manifest in, stages with their settings out."""

import pytest

from functions.gateway.explain import explained
from functions.gateway.found import find
from functions.gateway.routes import CEILINGS, SHARED_CEILINGS
from runtime.manifest import Policy
from tests import golden


def explanation(method: str, target: str) -> str:
    manifests = golden.manifests("sound")
    found = find(manifests, method, target)
    return found if isinstance(found, str) else explained(found, manifests)


@pytest.mark.parametrize(
    ("method", "target", "file"),
    [
        ("POST", "/things", "post-things.txt"),
        ("GET", "/things/42?x=/y", "get-thing.txt"),
        ("DELETE", "/others/42", "delete-other.txt"),
    ],
)
def test_a_request_is_told_its_route_and_its_stages(method: str, target: str, file: str) -> None:
    assert f"{explanation(method, target)}\n" == golden.expected("sound", file)


def test_no_setting_of_a_route_is_left_out() -> None:
    told = explanation("POST", "/things") + explanation("GET", "/things/42")
    tables = [name for table in SHARED_CEILINGS.values() for name in table]
    assert [name for name in (*Policy.__struct_fields__, *tables) if f" {name} " not in told] == []
    assert set(CEILINGS) <= set(Policy.__struct_fields__)


def test_a_path_is_looked_up_as_the_function_will_see_it() -> None:
    assert "GET /things/{id}" in explanation("GET", "/things/%e2%82%ac")
