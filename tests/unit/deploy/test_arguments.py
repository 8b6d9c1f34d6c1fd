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
