from pathlib import Path

from deploy.docker import secrets


def test_only_the_owner_enters_the_folder_and_containers_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    secrets.write(folder, ["users"])
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}
    assert list((folder / "signing").glob("*.pem"))


def test_what_is_there_stays(tmp_path: Path) -> None:
    secrets.write(tmp_path, ["users"])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    secrets.write(tmp_path, ["users", "orders"])
    assert before.items() <= {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}.items()


def test_a_function_and_the_owner_of_its_database_have_passwords_of_their_own(tmp_path: Path) -> None:
    secrets.write(tmp_path, ["users", "orders"])
    urls = [(tmp_path / f"{name}-database-url").read_text() for name in ("users", "users-owner", "orders")]
    assert urls[0].startswith("postgresql://users:")
    assert urls[1].startswith("postgresql://users_owner:")
    assert len({url.split(":")[2].split("@")[0] for url in urls}) == 3


def test_limits_never_evict_and_the_cache_does(tmp_path: Path) -> None:
    secrets.write(tmp_path, [])
    assert "maxmemory-policy noeviction" in (tmp_path / "redis.conf").read_text()
    assert "maxmemory-policy allkeys-lfu" in (tmp_path / "redis-cache.conf").read_text()
