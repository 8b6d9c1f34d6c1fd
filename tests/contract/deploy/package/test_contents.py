"""deploy/package/contents.py: what git knows goes in, and what looks like a secret keeps a package from being made."""

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.engine import Refusal
from deploy.package import contents

ROOT = Path(__file__).parents[4]
APP = Path("functions/echoes/app.py")


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a function that git knows."""
    for name in ("runtime/serving/serve.py", "functions/echoes/function.toml", str(APP), ".gitignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# nothing secret\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    return tmp_path


def packed(checkout: Path) -> set[str]:
    return {str(file.relative_to(checkout)) for file in contents.files(checkout, "echoes")}


ALL = {"runtime/serving/serve.py", "functions/echoes/function.toml", "functions/echoes/app.py"}


def test_what_git_knows_goes_in_as_it_is_now(checkout: Path) -> None:
    assert packed(checkout) == ALL
    (checkout / APP).unlink()
    assert packed(checkout) == ALL - {str(APP)}


@pytest.mark.parametrize("name", ["secret.key", "notes.txt", "data.py", "caf\u00e9 'x'.py"])
def test_what_git_does_not_know_stays_out_and_is_told(checkout: Path, name: str) -> None:
    (checkout / "functions/echoes" / name).write_text("hello")
    (checkout / "runtime/also.py").touch()
    assert packed(checkout) == ALL
    told = {file.name for file in contents.left_out(checkout, "echoes")}
    assert told == {name, "also.py"}


def test_what_is_ignored_stays_out(checkout: Path) -> None:
    (checkout / ".gitignore").write_text("*.local\n")
    (checkout / "functions/echoes/settings.local").write_text("hello")
    assert packed(checkout) == ALL


def test_a_function_that_git_does_not_know_is_refused_with_the_next_step(checkout: Path) -> None:
    (checkout / "functions/payments").mkdir()
    (checkout / "functions/payments/function.toml").touch()
    with pytest.raises(Refusal, match="git does not know functions/payments: `git add functions/payments`"):
        contents.files(checkout, "payments")


def test_without_git_all_is_taken(tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("tarball")
    (elsewhere / "functions/echoes").mkdir(parents=True)
    (elsewhere / "functions/echoes/function.toml").touch()
    assert packed(elsewhere) == {"functions/echoes/function.toml"}
    assert contents.left_out(elsewhere, "echoes") == []


def test_a_repository_that_the_environment_names_is_not_asked(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert packed(checkout) == ALL


def test_what_git_refuses_to_say_is_told(checkout: Path) -> None:
    (checkout / ".git/HEAD").write_text("broken")
    with pytest.raises(Refusal, match="git can't say what it knows of this checkout"):
        contents.files(checkout, "echoes")


# In two parts, so that this file does not hold what is looked for.
SECRETS = [
    "-----BEGIN " + "PRIVATE KEY-----",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    '{"kty": "OKP", "d' + f'": "{"a" * 43}"}}',
    "portico_" + "a" * 43,
    "AKIA" + "A" * 16,
    "ghp_" + "a" * 36,
    "sk_live_" + "a" * 24,
    "eyJhbGciOiJF.eyJzdWIiOiIx" + "." + "a" * 43,
    "DATABASE_URL = 'postgresql://orders:" + "hunter22@db/orders'",
    "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
    b64encode(b"-----BEGIN RSA " + b"PRIVATE KEY-----").decode(),
    b64encode(b"-----BEGIN " + b"PRIVATE KEY-----").decode(),
    "PuTTY-User-Key-" + "File-3: ssh-ed25519",
    "requirepass" + " hunter2222",
    "aws_secret_access_key" + " = " + "a" * 40,
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("where", [str(APP), "runtime/serving/serve.py"])
def test_what_looks_like_a_secret_is_refused(checkout: Path, secret: str, where: str) -> None:
    (checkout / where).write_text(f"A = 1\n{secret}\n")
    with pytest.raises(Refusal, match=f"{where} holds a") as refused:
        contents.files(checkout, "echoes")
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        generate_private_key(65537, 2048).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        ("-----BEGIN " + "PRIVATE KEY-----").encode("utf-16-le"),
        b"SQLite format" + b" 3\0" + bytes(100),
    ],
    ids=["Ed25519", "RSA", "UTF-16", "SQLite"],
)
def test_what_is_no_text_may_be_one_too(checkout: Path, content: bytes) -> None:
    (checkout / APP).with_name("data.bin").write_bytes(content)
    git(checkout, "add", ".")
    with pytest.raises(Refusal, match=r"data\.bin holds a"):
        contents.files(checkout, "echoes")


@pytest.mark.parametrize(
    "name",
    [
        *("secret.key", "tls.pem", "prod.env.pem", "users.db", "id_ed25519", "prod.env", "backup-key"),
        *("tls.pem.bak", "secret.key.old", "users.db-wal", "users.db~", "id_rsa.bak"),
    ],
)
def test_what_is_called_like_one_is_refused_also_when_git_knows_it(checkout: Path, name: str) -> None:
    (checkout / "functions/echoes" / name).write_bytes(b"\0")
    git(checkout, "add", "--force", ".")
    with pytest.raises(Refusal, match=f"{name} is called as secrets and databases are"):
        contents.files(checkout, "echoes")


def test_a_link_that_leads_out_of_the_checkout_is_refused(checkout: Path) -> None:
    (checkout / "functions/echoes/hosts").symlink_to("/etc/hosts")
    git(checkout, "add", ".")
    with pytest.raises(Refusal, match="hosts leads out of the checkout"):
        contents.files(checkout, "echoes")


@pytest.mark.parametrize("name", ["gateway", "orders", "users"])
def test_what_is_shipped_holds_nothing_that_looks_so(name: str) -> None:
    assert contents.files(ROOT, name)
