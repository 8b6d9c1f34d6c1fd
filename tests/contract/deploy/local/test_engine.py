import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.engine import Line, Refusal
from deploy.local.engine import LocalEngine


def names(engine: LocalEngine) -> list[str]:
    return [instance.name for instance in engine.ps()]


def again(engine: LocalEngine) -> LocalEngine:
    """The engine as the next command sees it."""
    return LocalEngine(engine._layout.root, engine._environment, say=lambda _: None)


def answering(engine: LocalEngine) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", engine._layout.port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_everything_is_ready_when_up_returns(engine: LocalEngine) -> None:
    assert engine.up()
    assert {instance.name: instance.state for instance in engine.ps()} == dict.fromkeys(
        ["nginx", "gateway-1", "users-1", "redis", "redis-cache"], "ready"
    )
    assert answering(engine) == "gateway-1"


def test_a_second_up_changes_nothing(engine: LocalEngine) -> None:
    engine.up()
    before = {instance.name: instance.pid for instance in engine.ps()}
    assert not again(engine).up()
    assert {instance.name: instance.pid for instance in engine.ps()} == before


def test_scaling_up_returns_when_every_gateway_is_reached(engine: LocalEngine) -> None:
    engine.up()
    assert again(engine).scale("gateway", 4)
    assert {answering(engine) for _ in range(40)} == {f"gateway-{number}" for number in range(1, 5)}


def test_scaling_down_ends_the_last_ones_and_touches_no_other(engine: LocalEngine) -> None:
    engine.up()
    engine.scale("users", 3)
    kept = {instance.pid for instance in engine.ps() if instance.name not in ("users-2", "users-3")}
    engine.scale("users", 1)
    assert {instance.pid for instance in engine.ps()} == kept


def test_scale_outlives_down(engine: LocalEngine) -> None:
    engine.up()
    engine.scale("users", 2)
    engine.down(data=False)
    again(engine).up()
    assert "users-2" in names(engine)


def test_scaling_to_the_same_number_says_so(engine: LocalEngine) -> None:
    engine.up()
    assert not engine.scale("gateway", 1)


def test_no_gateway_at_all_is_a_number_like_another(engine: LocalEngine) -> None:
    engine.up()
    assert engine.scale("gateway", 0)
    assert names(engine) == ["nginx", "users-1", "redis", "redis-cache"]
    assert '"/problems/upstream-unreachable"' in answering(engine)


@pytest.mark.parametrize(("function", "instances"), [("gateway", 17), ("gateway", -1), ("nobody", 1)])
def test_what_cannot_be_scaled_is_refused(engine: LocalEngine, function: str, instances: int) -> None:
    engine.up()
    with pytest.raises(Refusal):
        engine.scale(function, instances)


def test_a_crashed_instance_comes_back(engine: LocalEngine) -> None:
    engine.up()
    killed = next(instance.pid for instance in engine.ps() if instance.name == "gateway-1")
    os.kill(killed, signal.SIGKILL)
    again(engine).up()  # waits until all is ready
    assert killed not in {instance.pid for instance in engine.ps()}


def test_a_taken_port_is_refused_with_its_holder_and_nothing_is_left(engine: LocalEngine) -> None:
    with (
        socket.create_server(("127.0.0.1", engine._layout.slot("gateway", 16))),
        pytest.raises(Refusal, match=rf"is taken by .* \(pid {os.getpid()}\)"),
    ):
        engine.up()
    assert not engine._supervisor.running()


def test_a_function_that_cannot_start_is_told_with_its_own_words_and_nothing_is_left(
    engine: LocalEngine, checkout: Path
) -> None:
    (checkout / "functions/users/broken").touch()
    with pytest.raises(Refusal, match=r"users-1 stopped right after its start \(the settings are wrong\): read "):
        engine.up()
    assert not engine._supervisor.running()
    with pytest.raises(ConnectionRefusedError):
        answering(engine)


def test_scaling_that_fails_goes_back_to_what_was(engine: LocalEngine) -> None:
    engine.up()
    (engine._layout.home("users") / "functions/users/broken").touch()
    with pytest.raises(Refusal, match="users-2 stopped right after its start"):
        engine.scale("users", 2)
    assert names(engine) == ["nginx", "gateway-1", "users-1", "redis", "redis-cache"]


def test_a_changed_nginx_configuration_is_taken_up_by_the_next_up(engine: LocalEngine, checkout: Path) -> None:
    engine.up()
    template = checkout / "nginx/templates/default.conf.template"
    template.write_text(template.read_text().replace("return 404", "return 400"))
    assert again(engine).up()
    connection = http.client.HTTPConnection("127.0.0.1", engine._layout.port, timeout=5)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 400
    connection.close()


def test_a_broken_nginx_configuration_is_told_in_nginx_own_words(engine: LocalEngine, checkout: Path) -> None:
    (checkout / "nginx/snippets/limits.conf").write_text("no_such_directive on;")
    with pytest.raises(Refusal, match="unknown directive"):
        engine.up()


def test_down_leaves_no_process(engine: LocalEngine) -> None:
    engine.up()
    pids = [instance.pid for instance in engine.ps()]
    assert engine.down(data=False)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not engine.down(data=False)


def test_a_function_that_was_added_meanwhile_does_not_hold_down_up(engine: LocalEngine, checkout: Path) -> None:
    engine.up()
    (checkout / "functions/zoo").mkdir()
    (checkout / "functions/zoo/function.toml").touch()
    assert again(engine).down(data=False)
    assert not engine._supervisor.running()


def test_a_function_that_was_added_meanwhile_is_started_by_the_next_up(engine: LocalEngine, checkout: Path) -> None:
    engine.up()
    password = (engine._layout.secrets / "redis-url").read_text()
    (checkout / "functions/zoo/schema").mkdir(parents=True)
    (checkout / "functions/zoo/schema/0001_animals.sql").write_text("CREATE TABLE animals (name TEXT)")
    (checkout / "functions/zoo/function.toml").write_text('name = "zoo"\n[app]\nmodule = "it"\n')
    assert again(engine).up()
    assert "zoo-1" in names(again(engine))
    assert (engine._layout.data / "zoo.db").exists()
    assert (engine._layout.secrets / "redis-url").read_text() == password  # which Redis runs with


def test_down_with_data_deletes_databases_and_secrets(engine: LocalEngine) -> None:
    engine.up()
    engine.down(data=True)
    assert not engine._layout.data.exists()
    assert not engine._layout.secrets.exists()


def test_down_keeps_the_signing_key(engine: LocalEngine) -> None:
    engine.up()
    keys = set((engine._layout.secrets / "signing").iterdir())
    engine.down(data=False)
    again(engine).up()
    assert set((engine._layout.secrets / "signing").iterdir()) == keys


def test_another_port_for_a_running_stack_is_refused(engine: LocalEngine) -> None:
    engine.up()
    environment = {**engine._environment, "PORT": "9080"}
    with pytest.raises(Refusal, match=r"`just down` first, then `PORT=9080 just up`"):
        LocalEngine(engine._layout.root, environment, say=lambda _: None).up()


def test_verbs_find_the_stack_without_being_told_its_port(engine: LocalEngine) -> None:
    engine.up()
    environment = {"PORTICO_STATE": engine._environment["PORTICO_STATE"]}
    assert LocalEngine(engine._layout.root, environment, say=lambda _: None).address() == engine.address()


def written(engine: LocalEngine, name: str = "", *, follow: bool = False) -> Iterator[Line | None]:
    return engine.logs(name, since=None, follow=follow)


def test_logs_of_one_instance_are_its_own(engine: LocalEngine) -> None:
    engine.up()
    assert list(written(engine, "users-1")) == [Line("users-1", '{"event": "ready"}'), None]


@pytest.mark.parametrize("follow", [True, False])
def test_logs_of_nobody_are_refused(engine: LocalEngine, *, follow: bool) -> None:
    engine.up()
    with pytest.raises(Refusal, match="nobody does not run: there are gateway-1, nginx"):
        written(engine, "nobody", follow=follow)


def test_an_instance_that_is_gone_is_not_followed_and_what_it_wrote_is_still_told(engine: LocalEngine) -> None:
    engine.up()
    engine.scale("users", 2)
    lines = written(engine, "users-2", follow=True)
    assert next(lines) == Line("users-2", '{"event": "ready"}')
    engine.scale("users", 1)
    assert list(lines) == [None]  # it ends: nobody writes any more
    with pytest.raises(Refusal, match=r"users-2 does not run: there are gateway-1, .*`just logs users-2 -n 100`"):
        written(engine, "users-2", follow=True)
    assert next(written(engine, "users-2")) == Line("users-2", '{"event": "ready"}')
    engine.scale("users", 0)
    with pytest.raises(Refusal, match="users does not run"):
        written(engine, "users", follow=True)


def test_following_ends_with_the_stack_and_what_it_wrote_is_told_afterwards(engine: LocalEngine) -> None:
    with pytest.raises(Refusal, match="start it with `just up`"):
        written(engine)
    engine.up()
    lines = written(engine, follow=True)
    next(lines)
    engine.down(data=False)
    assert isinstance(list(lines), list)
    with pytest.raises(Refusal, match="start it with `just up`"):
        written(engine, follow=True)
    assert Line("users-1", '{"event": "ready"}') in list(written(engine))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_supervisord_that_is_gone_has_left_is_told_by_name_and_ended(
    engine: LocalEngine, number: signal.Signals
) -> None:
    engine.up()
    pids = {row.name: row.pid for row in engine.ps()}
    supervisord = int((engine._layout.run / "supervisord.pid").read_text())
    os.kill(supervisord, number)
    with pytest.raises(Refusal, match=rf"gateway-1 \(pid {pids['gateway-1']}\).*`just down` ends them") as refused:
        again(engine).ps()
    for name in ("nginx", "users-1"):
        assert f"{name} (pid {pids[name]})" in str(refused.value)
    assert str(refused.value).count("redis-server (pid") == 2
    assert again(engine).down(data=False)
    assert [pid for pid in [supervisord, *pids.values()] if alive(pid)] == []
    assert not again(engine).down(data=False)


def alive(pid: int) -> bool:
    """Also False for one that nobody has asked after."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_up_ends_what_was_left_and_starts_anew(engine: LocalEngine) -> None:
    engine.up()
    pids = [row.pid for row in engine.ps()]
    os.kill(int((engine._layout.run / "supervisord.pid").read_text()), signal.SIGKILL)
    assert again(engine).up()
    assert {row.state for row in again(engine).ps()} == {"ready"}
    assert not [pid for pid in pids if alive(pid)]


def test_a_process_that_only_has_the_number_of_a_supervisord_is_left_alone(engine: LocalEngine) -> None:
    engine.up()
    engine.down(data=False)
    with subprocess.Popen(["sleep", "600"], cwd=engine._layout.state, start_new_session=True) as innocent:
        (engine._layout.run / "supervisord.pid").write_text(str(innocent.pid))
        assert not again(engine).down(data=False)
        assert innocent.poll() is None
        innocent.kill()


def test_a_module_runs_with_its_functions_settings(engine: LocalEngine, checkout: Path) -> None:
    (checkout / "functions/users/asks.py").write_text(
        "import os, sys; sys.exit(not os.environ['DATABASE_URL_FILE'].endswith(sys.argv[1]))"
    )
    engine.up()
    assert engine.run("users", "functions.users.asks", "database-url-users") == 0


def test_nothing_can_be_asked_of_a_stack_that_does_not_run(engine: LocalEngine) -> None:
    for ask in (engine.ps, engine.address, engine.stores, engine.signing_keys):  # whoever else listens is not asked
        with pytest.raises(Refusal, match="start it with `just up`"):
            ask()


def test_a_route_that_takes_more_has_nginx_take_it_and_loses_nobody(engine: LocalEngine, checkout: Path) -> None:
    engine.up()
    connection = http.client.HTTPConnection("127.0.0.1", engine._layout.port, timeout=5)
    connection.request("POST", "/files", bytes(100_000))
    assert connection.getresponse().status == 413
    master = next(instance.pid for instance in engine.ps() if instance.name == "nginx")
    with socket.create_connection(("127.0.0.1", engine._layout.port)) as begun:
        begun.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        with (checkout / "functions/users/function.toml").open("a") as manifest:
            manifest.write('[[route]]\nmatch = "POST /files"\n')
        again(engine).up()
        assert master == next(instance.pid for instance in engine.ps() if instance.name == "nginx")
        begun.sendall(b"y\r\n\r\n")
        assert begun.recv(12) == b"HTTP/1.1 200"
    connection.close()
    connection.request("POST", "/files", bytes(100_000))
    assert connection.getresponse().status in {501, 502}  # the function's affair: it knows no POST, and reads no body
    connection.close()
