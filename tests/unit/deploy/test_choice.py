from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deploy.choice import choose, forget, remembered
from deploy.engine import Refusal


def _yes() -> bool:
    return True


def _no() -> bool:
    return False


def remember(root: Path, environment: Mapping[str, str], engine: str, *, developing: bool) -> None:
    with remembered(root, environment, engine, developing=developing, runs=_yes):
        pass


def interrupted(root: Path, runs: Callable[[], bool]) -> None:
    """While it comes up."""

    def up() -> None:
        with remembered(root, {}, "local", developing=False, runs=runs):
            assert choose(root, {}, _yes).engine == "local"  # whoever is killed now has said which it was
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        up()


def test_what_is_left_by_an_interrupted_start_is_found_by_the_next_verb(tmp_path: Path) -> None:
    interrupted(tmp_path, _yes)
    assert choose(tmp_path, {}, _yes).engine == "local"


def test_a_start_that_left_nothing_is_forgotten(tmp_path: Path) -> None:
    interrupted(tmp_path, _no)
    assert choose(tmp_path, {}, _yes).engine == "docker"


def test_a_start_that_left_nothing_does_not_hide_what_runs_on_another_engine(tmp_path: Path) -> None:
    remember(tmp_path, {}, "docker", developing=True)
    interrupted(tmp_path, _no)
    assert choose(tmp_path, {}, _no) == ("docker", "the stack runs on it already", True)


def test_docker_is_taken_where_a_daemon_answers(tmp_path: Path) -> None:
    assert choose(tmp_path, {}, _yes).engine == "docker"


def test_plain_processes_are_taken_where_none_does(tmp_path: Path) -> None:
    assert choose(tmp_path, {}, _no) == ("local", "no Docker daemon answers", False)


def test_a_person_decides_by_hand(tmp_path: Path) -> None:
    assert choose(tmp_path, {"ENGINE": "local"}, _yes) == ("local", "ENGINE=local", False)
    assert choose(tmp_path, {"ENGINE": "docker"}, _no).engine == "docker"


def test_an_engine_that_there_is_not_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="ENGINE=podman is not known: it is docker or local"):
        choose(tmp_path, {"ENGINE": "podman"}, _yes)


def test_a_running_stack_keeps_its_engine_until_it_is_down(tmp_path: Path) -> None:
    environment = {"PORTICO_STATE": str(tmp_path / "state")}
    remember(tmp_path, environment, "local", developing=False)
    assert choose(tmp_path, environment, _yes) == ("local", "the stack runs on it already", False)
    remember(tmp_path, environment, "local", developing=True)
    assert choose(tmp_path, environment, _yes).developing
    forget(tmp_path, environment)
    assert choose(tmp_path, environment, _yes).engine == "docker"


def test_what_is_decided_by_hand_does_not_hide_that_the_stack_is_in_the_developers_view(tmp_path: Path) -> None:
    remember(tmp_path, {}, "local", developing=True)
    assert choose(tmp_path, {"ENGINE": "local"}, _no) == ("local", "ENGINE=local", True)
    assert not choose(tmp_path, {"ENGINE": "docker"}, _no).developing
