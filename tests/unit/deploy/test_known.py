import pytest

from deploy import known
from deploy.engine import Refusal
from deploy.known import until_known


def told(*numbers: int) -> known.Metrics:
    """A gateway that finds so many instances of users, one number after the other."""
    pages = (f'portico_gateway_upstream_instances{{function="users"}} {number}\n' for number in numbers)
    return lambda: next(pages)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_PAUSE", 0)


def test_each_gateway_is_asked_until_it_knows_everybody() -> None:
    gateways = {"gateway-1": told(0, 1, 2), "gateway-2": told(2)}
    until_known(gateways, {"users": 2, "payments": 1})  # a gateway of before has no route to payments
    for metrics in gateways.values():
        with pytest.raises(StopIteration):
            metrics()


def test_a_gateway_that_is_gone_is_not_waited_for() -> None:
    until_known({"gateway-1": lambda: ""}, {"users": 1})


def test_one_that_never_learns_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_PATIENCE", 0.0)
    with pytest.raises(Refusal, match="gateway-1 does not know every users"):
        until_known({"gateway-1": told(*[0] * 1000)}, {"users": 1})
