"""What an image is made of: lock file in, CycloneDX out."""

import json

import pytest

from deploy.audit.bill import Base, Package, bill, packages

BASE = Base("python", "3.14.8-slim", "3.14.8")
DIGEST = "ab" * 32
LOCK = f"""anyio==4.16.0 \\
    --hash=sha256:{DIGEST} \\
    --hash=sha256:{"cd" * 32}
    # via litestar
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:{DIGEST}
exceptiongroup==1.3.1 ; python_full_version < '3.11' \\
    --hash=sha256:{DIGEST}
uvloop==0.23.0 ; implementation_name == 'cpython' \\
    --hash=sha256:{DIGEST}
"""


def test_the_image_below_is_read_from_the_dockerfile() -> None:
    assert Base.read("# a\nARG PYTHON=python:3.14.8-slim\nFROM ${PYTHON}\n") == BASE
    with pytest.raises(ValueError, match="no ARG PYTHON"):
        Base.read("FROM python\n")


def test_an_image_holds_what_is_locked_for_its_python_and_system() -> None:
    assert [*packages(LOCK, BASE)] == [
        Package("anyio", "4.16.0", (DIGEST, "cd" * 32)),
        Package("uvloop", "0.23.0", (DIGEST,)),
    ]


def test_a_bill_names_each_package_with_its_hashes_and_the_image_below() -> None:
    told = json.loads(bill("portico-users", LOCK, BASE))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert told["metadata"]["component"]["name"] == "portico-users"
    named = {each["purl"]: each.get("hashes", []) for each in told["components"]}
    assert set(named) == {
        "pkg:docker/library/python@3.14.8-slim",
        "pkg:pypi/anyio@4.16.0",
        "pkg:pypi/uvloop@0.23.0",
    }
    assert {"alg": "SHA-256", "content": DIGEST} in named["pkg:pypi/anyio@4.16.0"]
