from deploy.docker.engine import plainly, scales


def test_data_of_other_secrets_is_told_with_what_to_do() -> None:
    said = plainly("users-database said: FATAL: password authentication failed for user", ["portico_postgres"])
    assert said.endswith("or delete the data for good with `docker volume rm portico_postgres`.")
    assert plainly("anything else", []) == "anything else"


def test_so_many_are_named_with_each_service_also_none() -> None:
    assert scales({"orders": 2, "users": 0}) == ["--scale", "orders=2", "--scale", "users=0"]
