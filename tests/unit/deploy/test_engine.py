import inspect

import pytest

from deploy.docker.engine import DockerEngine
from deploy.engine import Engine
from deploy.local.engine import LocalEngine


@pytest.mark.parametrize("engine", [LocalEngine, DockerEngine])
def test_each_engine_has_every_method_with_the_same_arguments(engine: type[Engine]) -> None:
    promised = {name: inspect.signature(method) for name, method in inspect.getmembers(Engine, inspect.isfunction)}
    public = {name for name in promised if not name.startswith("_")}
    assert public == {
        *("up", "down", "scale", "ps", "logs", "address"),
        *("run", "stores", "paused", "migrate", "signing_keys", "fleet", "apply"),
        *("pages", "require_ports"),
    }
    for name in public:
        assert inspect.signature(getattr(engine, name)).parameters == promised[name].parameters
