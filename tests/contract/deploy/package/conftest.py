"""Every package of the conformance suite: of shipped functions, and of those that a verb makes."""

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from deploy.engine import GATEWAY
from deploy.package import bundle
from deploy.scaffold import create
from tests.contract.deploy.package.servers import UNITD
from tests.contract.deploy.package.unpacked import Package
from tests.tokens import Signer, bearer, jwks_url, signer

__all__ = ["jwks_url", "signer"]

ROOT = Path(__file__).parents[4]
SHIPPED, MADE = ("orders", "users"), {"things": False, "echoes": True}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out is said in the last lines."""
    if not UNITD:
        terminalreporter.write_line("Not run: the same questions to a real NGINX Unit, as UNITD names none.")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is shipped, and functions that a verb has made."""
    root = tmp_path_factory.mktemp("checkout") / "portico"
    for folder in ("runtime", "requirements", *(f"functions/{name}" for name in (GATEWAY, *SHIPPED))):
        copytree(ROOT / folder, root / folder, ignore=ignore_patterns("__pycache__"))
    for file in ("docker-compose.yml", "compose.override.yml"):
        (root / file).write_bytes((ROOT / file).read_bytes())
    (root / ".portico").symlink_to(ROOT / ".portico")  # where uv may be
    for name, stateless in MADE.items():
        create.new(root, name, stateless=stateless)
    return root


@pytest.fixture(scope="session", params=[*SHIPPED, *MADE])
def package(request: pytest.FixtureRequest, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """One of them, unpacked."""
    name: str = request.param
    made = bundle.build(checkout, name, tmp_path_factory.mktemp("archives"))
    return Package(made, tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="session")
def surroundings(package: Package, jwks_url: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the function has to be told, but for its database."""
    if package.name == "users":
        keys = tmp_path_factory.mktemp("keys") / "signing"
        made = package.run("runtime.identity.signing_keys", str(keys))
        assert made.stdout == f"{next(keys.iterdir())}\n", made.stderr
        return {"SIGNING_KEYS_DIR": str(keys), "ARGON2_MEMORY": "8KiB", "ARGON2_PASSES": "1"}
    return {"JWKS_URL": jwks_url}


@pytest.fixture
def environment(package: Package, surroundings: Mapping[str, str], tmp_path: Path) -> Mapping[str, str]:
    """And a database without a row."""
    return {**surroundings, **database(package, tmp_path / "one.db")}


@pytest.fixture
def other_environment(package: Package, surroundings: Mapping[str, str], tmp_path: Path) -> Mapping[str, str]:
    """The same, with a database of its own."""
    return {**surroundings, **database(package, tmp_path / "other.db")}


@pytest.fixture
def member(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-00000000000a")


@pytest.fixture
def admin(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-00000000000b", role="admin")


def database(package: Package, file: Path) -> Mapping[str, str]:
    """Its URL, once the package has brought it up to date; nothing for a function without one."""
    if not (package.home / "functions" / package.name / "schema").is_dir():
        return {}
    url = {"DATABASE_URL": f"sqlite:///{file}"}
    done = package.run("runtime.database.migrate", f"functions/{package.name}", **url)
    assert done.returncode == 0, done.stderr
    return url
