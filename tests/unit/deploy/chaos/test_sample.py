import pytest

from deploy.chaos.sample import Kind, Sample


def sample(status: int = 200, said: str = "", kind: Kind = Kind.READ, sends: int = 1) -> Sample:
    return Sample(kind, "GET /products", due=2.0, ended=2.5, status=status, said=said, sends=sends)


@pytest.mark.parametrize(
    ("made", "ok", "clean"),
    [
        (sample(200), True, True),
        (sample(201), True, True),
        (sample(502, "/problems/upstream-unreachable"), False, True),
        (sample(502, "<html>"), False, False),
        (sample(0, "the connection was closed"), False, False),
    ],
)
def test_a_failure_is_clean_if_it_is_a_problem(made: Sample, *, ok: bool, clean: bool) -> None:
    assert (made.ok, made.clean) == (ok, clean)


def test_latency_counts_from_when_a_request_was_due() -> None:
    assert sample().latency == 0.5


def test_only_an_unkeyed_post_may_not_be_sent_again() -> None:
    assert [kind for kind in Kind if not kind.repeatable] == [Kind.UNKEYED]


def test_a_failure_says_when_what_how_and_how_often() -> None:
    assert (
        str(sample(502, "/problems/x", sends=2))
        == "2.000 s: read GET /products: 502 /problems/x after 0.500 s, sent 2 times"
    )
    assert "no answer (refused)" in str(sample(0, "refused"))
