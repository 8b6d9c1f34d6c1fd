from pathlib import Path

from deploy.docker.images import STAND_INS, ca_bundle

BASES = Path(__file__).parents[4] / "deploy/docker/bases"


def test_a_bundle_that_is_named_is_taken() -> None:
    assert ca_bundle({"CA_BUNDLE": "/elsewhere.pem"}) == "/elsewhere.pem"


def test_every_stand_in_has_a_recipe_and_every_recipe_a_name() -> None:
    assert {folder.name for folder in BASES.iterdir()} == set(STAND_INS)


def test_stand_ins_have_the_names_that_the_compose_files_use() -> None:
    root = BASES.parents[2]
    files = [root / "deploy/docker/stack.yml", root / "deploy/docker/function.yml", root / "functions/Dockerfile"]
    text = "\n".join(file.read_text() for file in files)
    assert all(tag in text for tag in STAND_INS.values())
