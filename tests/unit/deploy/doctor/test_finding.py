"""Findings as a person reads them, and as a script does."""

from deploy.doctor.finding import Finding, code, table

OK, WARNING, WRONG = (
    Finding("clock", "ok", "right"),
    Finding("file descriptors", "warning", "20000: raise it."),
    Finding("disk", "wrong", "full\x1b[2J: make room."),
)


def test_each_has_a_row_and_the_last_line_says_how_many_are_not_right() -> None:
    assert table([OK, WARNING, WRONG]).splitlines() == [
        "ok       clock             right",
        "warning  file descriptors  20000: raise it.",
        r"wrong    disk              full\u001b[2J: make room.",
        "",
        "1 wrong and 1 to think about: each says what to do.",
    ]
    assert table([OK]).splitlines()[-1] == "Everything is as it should be."


def test_only_what_is_wrong_is_an_exit_code() -> None:
    assert [code(found) for found in ([OK], [OK, WARNING], [WARNING, WRONG])] == [0, 0, 1]
