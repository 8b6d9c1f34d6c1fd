import pytest

from functions.gateway.stages.cache.invalidation import NOTHING, invalidated
from tests.unit.functions.gateway.stages.cache.heads import head

HOST = b"portico.test:8080"


def targets(*lines: str, target: bytes = b"/users/1?a=b") -> tuple[bytes, ...]:
    return invalidated(b"PUT", target, HOST, 200, head(*lines)).targets


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH", b"M-SEARCH"])
@pytest.mark.parametrize("status", [200, 201, 204, 303])
def test_an_unsafe_method_that_succeeds_invalidates_its_target(method: bytes, status: int) -> None:
    assert invalidated(method, b"/users/1", HOST, status, []).targets == (b"/users/1",)


@pytest.mark.parametrize(("method", "status"), [(b"PUT", 404), (b"PUT", 500), (b"GET", 200), (b"HEAD", 200)])
def test_an_error_and_a_safe_method_invalidate_nothing(method: bytes, status: int) -> None:
    said = head("Location: /x", 'Cache-Group-Invalidation: "g"')
    assert invalidated(method, b"/users/1", HOST, status, said) == NOTHING


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("/users/2", b"/users/2"),
        ("2", b"/users/2"),
        ("../orders?x=y#z", b"/orders?x=y"),
        ("http://portico.test:8080/users/2", b"/users/2"),
        ("https://PORTICO.test:8080/users/2", b"/users/2"),
        ("//portico.test:8080", b"/"),
        ("http://portico.test:8080/a/../users/./2?x=y#z", b"/users/2?x=y"),
        ("/a/%2e/../users/2", b"/a/users/2"),
        ("//portico.test:8080?x=y", b"/?x=y"),
    ],
)
@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_what_it_points_to_on_the_same_host_is_invalidated(name: str, location: str, found: bytes) -> None:
    assert targets(f"{name}: {location}") == (b"/users/1?a=b", found)


@pytest.mark.parametrize("host", [b"portico.test", b"portico.test:", b"Portico.test:80"])
@pytest.mark.parametrize("there", ["portico.test", "portico.test:80", "portico.test:"])
def test_a_host_has_one_name(host: bytes, there: str) -> None:
    said = head(f"Location: http://{there}/users/2")
    assert invalidated(b"PUT", b"/users/1", host, 200, said).targets == (b"/users/1", b"/users/2")


@pytest.mark.parametrize(
    "location", ["http://elsewhere.test/x", "http://portico.test/x", "//elsewhere.test/x", "mailto:a@b", "http://[/"]
)
def test_what_it_points_to_elsewhere_is_not(location: str) -> None:
    assert targets(f"Location: {location}") == (b"/users/1?a=b",)


def test_groups_are_named_in_the_answer() -> None:
    assert invalidated(b"DELETE", b"/users/1", HOST, 204, head('Cache-Group-Invalidation: "a", "b"')).groups == (
        "a",
        "b",
    )
