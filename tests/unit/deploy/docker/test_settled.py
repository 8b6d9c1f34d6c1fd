from typing import TYPE_CHECKING, Any, cast

import pytest

from deploy.docker.settled import begin, differs, settle

if TYPE_CHECKING:
    from deploy.docker.compose import Compose

TOLD: dict[str, Any] = {
    "image": "nginx:1",
    "environment": {"PORT": "8080", "EMPTY": None},
    "ports": [{"host_ip": "127.0.0.1", "target": 8080, "published": "5500"}],
}


def container(image: str = "nginx:1", port: str = "5500", **environment: str) -> dict[str, Any]:
    told = {"PORT": "8080", "EMPTY": "", "PATH": "/bin", **environment}
    bound = {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
    return {
        "Config": {"Image": image, "Env": [f"{name}={value}" for name, value in told.items()]},
        "HostConfig": {"PortBindings": bound},
    }


def test_what_is_as_it_was_told_is_no_difference() -> None:
    assert not differs(container(), TOLD)


@pytest.mark.parametrize("other", [container(image="nginx:2"), container(port="5501"), container(PORT="81")])
def test_another_image_port_or_setting_is_one(other: dict[str, Any]) -> None:
    assert differs(other, TOLD)


class Project:
    """Of an nginx that differs, a Redis that does not, and a job that has ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def services(self) -> dict[str, dict[str, Any]]:
        redis = {"image": "redis:1"}
        return {
            "nginx": TOLD,
            "redis": redis,
            "postgres": {"image": "p"},
            "zoo-migrate": {"image": "z", "restart": "no"},
        }

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        labels = {"com.docker.compose.service": "redis"}
        redis = {"Config": {"Image": "redis:1", "Env": [], "Labels": labels}, "HostConfig": {"PortBindings": None}}
        return [container(port="1") if service == "nginx" else redis]

    def call(self, *arguments: str) -> str:
        self.asked.append(arguments)
        return ""


def test_only_what_differs_is_made_anew_and_no_job_is_run() -> None:
    project = Project()
    settle(cast("Compose", project), ["--scale", "zoo=2"])
    assert project.asked == [
        ("up", "--detach", "--wait", "--no-deps", "nginx"),
        (
            *("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--no-build"),
            *("--scale", "zoo=2", "nginx", "redis", "postgres"),
        ),
    ]


def test_what_functions_stand_on_is_started_before_them_where_it_does_not_run() -> None:
    project = Project()
    begin(cast("Compose", project))
    assert project.asked == [("up", "--detach", "--wait", "--no-deps", "--no-recreate", "postgres", "redis-cache")]
