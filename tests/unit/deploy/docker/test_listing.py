from typing import Any

import pytest

from deploy.docker.listing import instance, place, published, sick


def _container(service: str, number: int = 1, **state: Any) -> dict[str, Any]:  # noqa: ANN401  what Docker says
    return {
        "Config": {
            "Labels": {"com.docker.compose.service": service, "com.docker.compose.container-number": str(number)}
        },
        "NetworkSettings": {"Networks": {"front": {"IPAddress": "172.30.250.3"}}},
        "State": {"Running": True, "Status": "running", "Pid": 42, "StartedAt": "2026-11-22T10:00:00.1Z"} | state,
    }


def test_a_healthy_container_is_a_ready_instance() -> None:
    found = instance(_container("gateway", 2, Health={"Status": "healthy"}))
    assert (found.name, found.address, found.state, found.pid) == ("gateway-2", "172.30.250.3", "ready", 42)
    assert found.uptime is not None


def test_the_front_door_is_where_its_container_has_it_whatever_a_verb_was_told() -> None:
    nginx = _container("nginx")
    assert published([nginx]) is None
    nginx["NetworkSettings"]["Ports"] = {"8443/tcp": [{"HostIp": "127.0.0.2", "HostPort": "1"}], "8080/tcp": None}
    assert published([nginx]) is None
    nginx["NetworkSettings"]["Ports"]["8080/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": "18600"}]
    assert published([nginx]) == ("127.0.0.1", "18600")


def test_a_stopped_one_has_no_uptime() -> None:
    found = instance(_container("users", Running=False, Status="exited", Pid=0))
    assert (found.state, found.pid, found.uptime) == ("exited", 0, None)


def test_the_front_door_comes_first_and_databases_last() -> None:
    names = ["redis", "users", "postgres", "gateway", "nginx", "orders"]
    ordered = sorted((_container(name) for name in names), key=place)
    services = [container["Config"]["Labels"]["com.docker.compose.service"] for container in ordered]
    assert services == ["nginx", "gateway", "orders", "users", "postgres", "redis"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"Running": True}, False),
        ({"Running": True, "Health": {"Status": "unhealthy"}}, True),
        ({"Running": False, "Status": "created", "ExitCode": 0}, True),
        ({"Running": False, "Status": "exited", "ExitCode": 0}, False),
        ({"Running": False, "Status": "exited", "ExitCode": 1}, True),
    ],
)
def test_what_failed_is_told_from_a_job_that_is_done(state: dict[str, Any], expected: bool) -> None:  # noqa: FBT001  a row
    assert sick(state) is expected
