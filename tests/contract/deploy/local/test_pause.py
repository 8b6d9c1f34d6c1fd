"""Whatever happens meanwhile, what was stopped runs again."""

import pytest

from deploy.local.pause import paused


class Supervisor:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def stop(self, names: list[str]) -> None:
        self.asked.append(f"stop {' '.join(names)}")

    def revive(self) -> None:
        self.asked.append("revive")


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_they_are_stopped_and_run_again(error: type[BaseException] | None) -> None:
    supervisor = Supervisor()
    said: list[str] = []

    def pause() -> None:
        with paused(supervisor, ["users-1"], said.append, lambda: supervisor.asked.append("ready")):  # type: ignore[arg-type]
            supervisor.asked.append("work")
            if error is not None:
                raise error

    if error is None:
        pause()
    else:
        with pytest.raises(error):
            pause()
    assert supervisor.asked == ["stop users-1", "work", "stop users-1", "revive", "ready"]
    assert said == ["Stopping users-1", "Starting users-1"]


def test_they_run_again_where_nobody_listens_any_more() -> None:
    supervisor = Supervisor()

    def deaf(text: str) -> None:
        if text.startswith("Starting"):
            raise BrokenPipeError

    with (
        pytest.raises(BrokenPipeError),
        paused(supervisor, ["users-1"], deaf, lambda: supervisor.asked.append("ready")),  # type: ignore[arg-type]
    ):
        supervisor.asked.append("work")
    assert supervisor.asked[-2:] == ["revive", "ready"]
