import pytest

from deploy.arguments import parse

VERBS = [
    *("up", "dev", "ps", "smoke", "images", "apply", "rollback", "down", "scale", "deploy", "logs"),
    *("seed", "admin", "backup", "restore", "rotate-keys", "call", "explain", "limits", "cache"),
    *("new", "add-upstream", "remove", "package", "unit-config", "chaos", "doctor"),
]


def test_scale_is_about_the_gateway_unless_it_says_otherwise() -> None:
    options = parse(["scale", "4"])
    assert (options.instances, options.function) == (4, "gateway")


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["restart"])
    assert "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize(
    "shortened", [["down", "--d"], ["deploy", "--al"], ["chaos", "--sho"], ["cache", "purge", "--a"]]
)
def test_an_option_is_said_in_full_or_it_is_an_error(shortened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(shortened)
    assert ended.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_the_usage_of_a_verb_is_that_of_the_verb_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["down", "--dat"])
    assert capsys.readouterr().err == (
        "usage: just down [-h] [--data] [--yes]\njust down: error: unrecognized arguments: --dat\n"
    )


def test_every_verb_refuses_an_option_that_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            parse([verb, "--no-such-option"])
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert told.startswith(f"usage: just {verb} ")
        assert "unrecognized arguments: --no-such-option" in told or "required" in told


@pytest.mark.parametrize(
    "words",
    [["ps", "\x1b[2J"], ["logs", "a", "\x9b2J"], ["scale", "\x1b]0;x\x07"], ["package", "users", "--python", "\x1b"]],
)
def test_what_was_typed_is_shown_written_out(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert capsys.readouterr().err.replace("\n", "").isprintable()


@pytest.mark.parametrize("python", ["", "3", "2.7", "3.11; id", "3.11.4", "3.1²", "../3.11", "3.13\n"])
def test_a_version_of_python_is_one(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (["package", "users"], ["unit-config"]):
        with pytest.raises(SystemExit):
            parse([*verb, "--python", python])
        assert "is no version of Python: write it as in 3.13" in capsys.readouterr().err
        assert parse([*verb, "--python", "3.13"]).python == "3.13"
