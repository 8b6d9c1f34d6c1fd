"""What every route ends up with and who said so: manifest in, table out."""

import json

import pytest

from functions.gateway.listing import as_json, listed, main, table
from runtime.manifest import ManifestError
from tests import golden


def test_a_table_has_every_route_and_marks_who_said_what() -> None:
    assert f"{table(listed(golden.manifests('sound')))}\n" == golden.expected("sound", "table.txt")


def test_for_programs_it_is_json_with_file_and_key() -> None:
    assert f"{as_json(listed(golden.manifests('sound')))}\n" == golden.expected("sound", "routes.json")


@pytest.mark.parametrize("case", ["faulty", "loose"])
def test_every_mistake_is_told_at_once(case: str) -> None:
    with pytest.raises(ManifestError) as refused:
        listed(golden.manifests(case))
    told = "\n".join(line.replace(f"{golden.FOLDER}/", "") for line in refused.value.lines)
    assert f"{told}\n" == golden.expected(case, "faults.txt")


def test_the_shipped_functions_are_shown_from_the_command_line() -> None:
    assert "/users/{id}" in main([])
    assert {each["function"] for each in json.loads(main(["--json"]))} >= {"users", "orders"}


@pytest.mark.parametrize("said", [["--foo"], ["--js"], ["functions", "--foo"]])
def test_an_option_that_there_is_not_is_told_with_the_usage(
    said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(said)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: just routes ")
