import pytest

from deploy.arguments import parser


def test_scale_is_about_the_gateway_unless_it_says_otherwise() -> None:
    options = parser().parse_args(["scale", "4"])
    assert (options.instances, options.function) == (4, "gateway")


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["restart"])
    assert "invalid choice" in capsys.readouterr().err
