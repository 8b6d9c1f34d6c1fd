"""deploy/local/blocks.py with processes that listen: who stays where, whatever comes and goes beside it."""

import shutil
from pathlib import Path

from deploy.engine import Instance
from deploy.local import blocks
from deploy.local.engine import LocalEngine


def again(engine: LocalEngine) -> LocalEngine:
    """The engine as the next command sees it."""
    return LocalEngine(engine._layout.root, engine._environment, say=lambda _: None)


def found(engine: LocalEngine, function: str) -> list[Instance]:
    """Its instances, as nobody's clock sees them."""
    return [
        Instance(row.name, row.address, row.state, row.pid)
        for row in again(engine).ps()
        if row.name.startswith(f"{function}-")
    ]


def add(checkout: Path, name: str) -> None:
    folder = checkout / "functions" / name
    folder.mkdir()
    (folder / "function.toml").write_text(f'name = "{name}"\n[app]\nmodule = "it"\n')


def test_a_function_that_comes_or_goes_moves_and_restarts_no_other(engine: LocalEngine, checkout: Path) -> None:
    engine.up()
    users = found(engine, "users")
    add(checkout, "accounts")
    assert again(engine).up()
    assert found(engine, "users") == users
    accounts = found(engine, "accounts")
    assert accounts[0].state == "ready"
    shutil.rmtree(checkout / "functions/accounts")
    add(checkout, "another")
    assert again(engine).up()
    assert found(engine, "users") == users
    assert {row.state for row in found(engine, "another")} == {"ready"}
    assert found(engine, "another")[0].address != accounts[0].address  # it ran, when this was given
    assert set(blocks.read(engine._layout.state)) == {"gateway", "another", "users"}


def test_a_stack_of_before_goes_on_where_it_is(engine: LocalEngine, checkout: Path) -> None:
    """A function took a hundred ports, and nothing was remembered."""
    state = engine._layout.state
    blocks.keep(state, {}, {"gateway": 100, "users": 200})
    engine = again(engine)
    engine.up()
    users = found(engine, "users")
    assert users[0].address.endswith(str(engine._layout.port + 200))
    (state / "ports.json").unlink()
    assert not again(engine).up()
    add(checkout, "accounts")
    assert again(engine).up()
    assert found(engine, "users") == users
    assert blocks.read(state) == {"accounts": 116, "gateway": 100, "users": 200}
    again(engine).down(data=False)
    again(engine).up()
    assert blocks.read(state) == {"accounts": 116, "gateway": 100, "users": 200}
