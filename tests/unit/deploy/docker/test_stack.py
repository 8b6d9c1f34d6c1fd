"""deploy/docker/stack.yml and the functions' compose files: who is included."""

import re
from pathlib import Path

from deploy.docker.place import DEFAULT_SUBNET

ROOT = Path(__file__).parents[4]


def test_every_function_is_included_and_every_file_that_is_included_is_there() -> None:
    included = re.findall(r"- (\S+\.yml)", (ROOT / "docker-compose.yml").read_text())
    assert all((ROOT / file).exists() for file in included)
    functions = {path.parent.name for path in ROOT.glob("functions/*/function.toml")} - {"gateway"}
    assert {f"functions/{name}/compose.yml" for name in functions} <= set(included)


def test_what_is_built_here_has_the_projects_name_so_that_two_checkouts_do_not_swap_images() -> None:
    files = [*ROOT.glob("functions/*/compose.yml"), ROOT / "deploy/docker/stack.yml"]
    files += ROOT.glob("deploy/scaffold/template/*/functions/NAME/compose.yml.template")
    images = {image for file in files for image in re.findall(r"(?m)^    image: (\S+)", file.read_text())}
    ours = {image for image in images if "VERSION" in image}
    assert ours
    assert all(image.startswith("${COMPOSE_PROJECT_NAME:-portico}-") for image in ours)
    assert {image.partition(":")[0] for image in images - ours} == {"nginx", "redis", "postgres"}


def test_a_bare_compose_has_the_range_that_is_tried_first() -> None:
    told = re.findall(r"\$\{FRONT_SUBNET:-([^}]+)\}", (ROOT / "deploy/docker/stack.yml").read_text())
    assert set(told) == {DEFAULT_SUBNET}


def test_no_service_leaves_a_volume_without_a_name_behind() -> None:
    """Where its image has a volume it has a folder in memory, or a volume of the project."""
    volumes = {
        file.parent.name: re.findall(r"^VOLUME (\S+)", file.read_text(), re.MULTILINE)
        for file in (ROOT / "deploy/docker/bases").glob("*/Dockerfile")
    }
    for file in (ROOT / "deploy/docker/stack.yml", ROOT / "deploy/docker/function.yml"):
        for name, service in re.findall(r"(?m)^  ([a-z-]+):.*\n((?:    .*\n|\n)+)", file.read_text()):
            image = re.search(r"(?m)^    image: ([a-z]+):", service)
            for folder in volumes.get(image[1], []) if image else ():
                assert re.search(rf"(?m)^    (?:tmpfs|volumes): .*[\[:]{re.escape(folder)}[\]\" ,]", service), name
