import json

import pytest

from deploy.why import why

TRACEBACK = """Traceback (most recent call last):
  File "/x/.venv/lib/python3.11/site-packages/granian/server.py", line 9, in serve
    run()
  File "/x/.portico/releases/orders/0ab/runtime/serving/serve.py", line 65, in main
    application = load()
  File "/x/.portico/releases/orders/0ab/functions/orders/app.py", line 12, in <module>
    import stripe
{raised}"""


def test_the_package_that_is_missing_is_named_with_where_to_add_it() -> None:
    told = why(TRACEBACK.format(raised="ModuleNotFoundError: No module named 'stripe'"), "orders", "/logs/o.log")
    assert told[0] == "ModuleNotFoundError: No module named 'stripe' (functions/orders/app.py, line 12)"
    assert "stripe is missing: add it to a dependency group `orders` in pyproject.toml" in told[1]
    assert told[-1] == "The whole log: /logs/o.log"


def test_a_module_of_ones_own_is_no_package() -> None:
    told = why(TRACEBACK.format(raised="ModuleNotFoundError: No module named 'functions.orders.modl'"), "orders")
    assert "There is no module functions.orders.modl" in told[1]


@pytest.mark.parametrize(
    "raised", ["KeyError: 'x'", "functions.orders.app.Odd: no", "ValueError", "NameError: name 'a' is not defined"]
)
def test_an_exception_is_told_with_the_functions_own_file_and_line(raised: str) -> None:
    assert why(TRACEBACK.format(raised=raised), "orders")[0] == f"{raised} (functions/orders/app.py, line 12)"


def test_an_exception_in_a_line_of_json_is_found_too() -> None:
    entry = {"event": "startup failed", "exception": TRACEBACK.format(raised="OSError: no"), "level": "error"}
    assert why(json.dumps(entry), "orders")[0] == "OSError: no (functions/orders/app.py, line 12)"


def test_the_last_exception_counts_and_a_library_is_nobodys_line() -> None:
    two = TRACEBACK.format(raised="KeyError: 1") + "\n\nDuring that:\n\n" + TRACEBACK.format(raised="OSError: 2")
    assert why(two, "orders")[0].startswith("OSError: 2")
    foreign = 'Traceback (most recent call last):\n  File "/site-packages/functions/x.py", line 1, in a\nOSError: no'
    assert why(foreign, "orders")[0] == "OSError: no"


def test_without_an_exception_the_last_lines_are_told_without_their_clothes() -> None:
    lines = [json.dumps({"event": f"line {number}", "why": "so" if number == 19 else ""}) for number in range(20)]
    told = why("\n".join(lines), "orders")
    assert told[0] == "It said last:"
    assert (told[1], told[-1]) == ("  line 12", "  line 19: so")


def test_of_one_that_said_nothing_nothing_is_told() -> None:
    assert why("", "orders") == []
    assert why("[1, 2]\n", "orders") == ["It said last:", "  [1, 2]"]
