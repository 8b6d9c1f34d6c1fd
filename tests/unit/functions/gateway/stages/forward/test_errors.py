"""What retry reads off a failure: whether the instance may have acted on the request."""

from functions.gateway.stages.forward import errors


def test_a_failed_connect_is_safe_to_retry() -> None:
    assert not errors.ConnectFailed("refused").sent


def test_every_other_failure_of_an_instance_may_have_had_an_effect() -> None:
    family = (
        errors.ConnectionStale,
        errors.ConnectionBroken,
        errors.HeadTimeout,
        errors.IdleTimeout,
        errors.Misbehaved,
    )
    assert all(kind("").sent for kind in family)


def test_the_family_is_flat_so_that_catching_one_never_catches_another() -> None:
    family = errors.ForwardError.__subclasses__()
    assert len(family) == 7
    assert all(not kind.__subclasses__() for kind in family)


def test_misuse_is_a_bug_of_the_caller_and_no_failure_of_an_instance() -> None:
    assert not issubclass(errors.Misuse, errors.ForwardError)
