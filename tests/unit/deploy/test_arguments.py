import pytest

from deploy.arguments import parser


def test_scale_is_about_the_gateway_unless_it_says_otherwise() -> None:
    options = parser().parse_args(["scale", "4"])
    assert (options.instances, options.function) == (4, "gateway")


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["restart"])
    assert "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize(
    "shortened", [["down", "--d"], ["deploy", "--al"], ["chaos", "--sho"], ["cache", "purge", "--a"]]
)
def test_an_option_is_said_in_full_or_it_is_an_error(shortened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(shortened)
    assert ended.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_every_verb_refuses_an_option_that_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    verbs = next(action.choices for action in parser()._actions if action.dest == "verb")
    assert isinstance(verbs, dict)
    for verb in verbs:
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([verb, "--no-such-option"])
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("usage: just ")


@pytest.mark.parametrize(
    "words",
    [["ps", "\x1b[2J"], ["logs", "a", "\x9b2J"], ["scale", "\x1b]0;x\x07"], ["package", "users", "--python", "\x1b"]],
)
def test_what_was_typed_is_shown_written_out(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(words)
    assert capsys.readouterr().err.replace("\n", "").isprintable()


@pytest.mark.parametrize("python", ["", "3", "2.7", "3.11; id", "3.11.4", "3.1²", "../3.11", "3.13\n"])
def test_a_version_of_python_is_one(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (["package", "users"], ["unit-config"]):
        with pytest.raises(SystemExit):
            parser().parse_args([*verb, "--python", python])
        assert "is no version of Python: write it as in 3.13" in capsys.readouterr().err
        assert parser().parse_args([*verb, "--python", "3.13"]).python == "3.13"
