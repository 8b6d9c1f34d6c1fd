"""What only containers promise: who reaches whom, what a process may do, what an image holds, where secrets are."""

import asyncio
import itertools
import json
import subprocess
from collections import Counter
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.audit.bill import Base, packages
from deploy.audit.run import lock
from deploy.docker.daemon import Daemon
from deploy.docker.place import Holder, Place, settle
from tests.e2e.load import under_load
from tests.e2e.people import log_in, order
from tests.e2e.stack import ROOT, DockerStack, until

pytestmark = pytest.mark.parametrize("stack", ["docker"], indirect=True)

FUNCTIONS = ("gateway", "users", "orders")
LASTING = (*FUNCTIONS, "nginx", "redis", "redis-cache", "postgres")

REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()
except OSError:
    sys.exit(1)
"""


def _reaches(stack: DockerStack, instance: str, host: str, port: int) -> bool:
    return stack.execute(instance, "python", "-c", REACH, host, str(port)).returncode == 0


def _address(stack: DockerStack, service: str, network: str) -> str:
    [container] = stack.inspect(service)
    networks = container["NetworkSettings"]["Networks"]
    return str(next(found["IPAddress"] for name, found in networks.items() if name.endswith(f"_{network}")))


def test_only_nginx_is_published(stack: DockerStack) -> None:
    for service in LASTING:
        [container] = stack.inspect(service)
        published = [ports for ports in container["NetworkSettings"]["Ports"].values() if ports]
        assert bool(published) == (service == "nginx")


def test_docker_says_whose_a_project_is_and_which_range_it_has(stack: DockerStack, tmp_path: Path) -> None:
    """So that another checkout is another stack."""
    daemon = Daemon()
    chosen = json.loads((stack.state / "docker/place.json").read_text())
    assert chosen["project"] == stack.project
    assert daemon.holder(stack.project) == Holder(frozenset({str(ROOT)}), there=True)
    assert daemon.holder(f"{stack.project}-not") == Holder()
    assert daemon.networks()[f"{stack.project}_front"] == [IPv4Network(chosen["subnet"])]
    assert IPv4Network(chosen["subnet"]) in daemon.routes()
    other = settle(tmp_path, Place("portico-other", chosen["subnet"]), {}, daemon)
    assert other.subnet != chosen["subnet"]


def test_what_has_no_tls_is_for_this_machine_alone_where_there_is_some(stack: DockerStack) -> None:
    [container] = stack.inspect("nginx")
    assert {published["HostIp"] for published in container["NetworkSettings"]["Ports"]["8080/tcp"]} == {"127.0.0.1"}


def test_a_function_reaches_its_own_database_and_neither_another_function_nor_redis(stack: DockerStack) -> None:
    assert _reaches(stack, "users", "postgres", 5432)
    for service, network, port in [("orders", "orders", 8000), ("redis", "limits", 6379), ("nginx", "front", 8080)]:
        assert not _reaches(stack, "users", service, port), service
        assert not _reaches(stack, "users", _address(stack, service, network), port), service


def test_only_the_gateway_reaches_a_function(stack: DockerStack) -> None:
    assert _reaches(stack, "gateway", "orders", 8000)
    asked = stack.execute("nginx", "sh", "-c", f"exec 3<>/dev/tcp/{_address(stack, 'orders', 'orders')}/8000")
    assert asked.returncode != 0
    assert not _reaches(stack, "users", "orders", 8000)


def test_a_function_may_not_connect_to_the_database_of_another(stack: DockerStack) -> None:
    ask = """
import asyncio, asyncpg, pathlib
url = pathlib.Path("/run/secrets/users-database-url").read_text().strip()
async def main():
    own = await asyncpg.connect(url)
    await own.fetchval("SELECT count(*) FROM users")
    for forbidden in (asyncpg.connect(url.rpartition("/")[0] + "/orders"), own.execute("CREATE TABLE mine (x TEXT)")):
        try:
            await forbidden
        except asyncpg.InsufficientPrivilegeError:
            print("refused")
asyncio.run(main())
"""
    said = stack.execute("users", "python", "-c", ask)
    assert said.stdout.split() == ["refused", "refused"], said.stderr


@pytest.mark.parametrize("service", LASTING)
def test_what_runs_is_hardened(stack: DockerStack, service: str) -> None:
    [container] = stack.inspect(service)
    host: dict[str, Any] = container["HostConfig"]
    assert container["Config"]["User"].split(":")[0] not in ("", "0", "root")
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] is None
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not host["Privileged"]
    assert host["Init"]
    assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0
    assert host["LogConfig"]["Config"] == {"max-file": "5", "max-size": "10m"}
    assert container["Config"]["Healthcheck"]["Test"]
    assert host["NetworkMode"] not in ("host", "bridge")
    assert (host["PidMode"], host["IpcMode"], host["UTSMode"], host["UsernsMode"]) == ("", "private", "", "")
    assert host["Devices"] in (None, [])
    assert not [mount["Source"] for mount in container["Mounts"] if mount["Source"].endswith("docker.sock")]
    assert not [mount["Destination"] for mount in container["Mounts"] if mount["Type"] == "bind" and mount["RW"]]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_image_holds_its_own_function_and_no_other(stack: DockerStack, function: str) -> None:
    assert stack.execute(function, "python", "-c", f"import functions.{function}.app").returncode == 0
    for other in set(FUNCTIONS) - {function}:
        tried = stack.execute(function, "python", "-c", f"import functions.{other}.app")
        assert "ModuleNotFoundError" in tried.stderr
    for tool in ("pip", "uv"):
        assert "No module named" in stack.execute(function, "python", "-m", tool).stderr


HOLDS = """
import importlib.metadata, json
print(json.dumps([[each.name.lower().replace("_", "-"), each.version] for each in importlib.metadata.distributions()]))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_image_holds_what_its_bill_of_materials_says(stack: DockerStack, function: str) -> None:
    base = Base.read((ROOT / "functions/Dockerfile").read_text())
    told = {(each.name, each.version) for each in packages(lock(ROOT, function).read_text(), base)}
    held = {(name, version) for name, version in json.loads(stack.execute(function, "python", "-c", HOLDS).stdout)}
    assert held == told


def test_no_secret_is_in_an_environment_an_image_or_a_log(stack: DockerStack, client: httpx.Client) -> None:
    log_in(client)
    secrets = {text for file in _files(stack.state / "docker/secrets") for text in _secret_parts(file)}
    assert len(secrets) >= 7
    told = [json.dumps(stack.inspect(service)) for service in LASTING] + [stack.logs()]
    for function in FUNCTIONS:
        history = ["docker", "history", "--no-trunc", stack.inspect(function)[0]["Config"]["Image"]]
        told.append(subprocess.run(history, capture_output=True, text=True, check=True).stdout)
    assert not [secret[:4] for secret in secrets for text in told if secret in text]


def test_postgres_killed_under_a_stream_of_orders_loses_and_doubles_nothing(
    stack: DockerStack, client: httpx.Client
) -> None:
    people, body, sent = itertools.cycle([log_in(client) for _ in range(12)]), order(client), itertools.count()

    async def place(client: httpx.AsyncClient) -> httpx.Response:
        """A client that resends what got no answer, or a failure, until it is acknowledged or refused."""
        headers = next(people) | {"Idempotency-Key": f"kill-{next(sent)}"}
        while True:
            try:
                answer = await client.post("/orders", json=body, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code < 500:
                return answer
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))

    with under_load(stack.url, place, clients=12) as load:
        until(lambda: load.done > 100)
        stack.kill("postgres-1")
        stack.until_ready()
        after = load.done
        until(lambda: load.done > after + 100)
    outcomes = Counter(answer.status_code for answer in load.answers)
    assert outcomes.keys() == {201}, outcomes
    acknowledged = [answer.json()["id"] for answer in load.answers]
    rows = stack.execute("postgres", "psql", "-U", "postgres", "-d", "orders", "-Atc", "SELECT id FROM orders").stdout
    counted = Counter(rows.split())
    assert {counted[order_id] for order_id in acknowledged} == {1}
    assert len(acknowledged) == len(set(acknowledged))
    assert counted.total() == len(counted)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _secret_parts(file: Path) -> list[str]:
    """The passwords and key material in a secret's file."""
    text = file.read_text()
    if file.suffix == ".pem":
        return [text.splitlines()[1]]
    return [text] if file.name.endswith("password") else []
