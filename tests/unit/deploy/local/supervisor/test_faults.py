"""The numbers are those of the supervisor that is installed."""

from supervisor import xmlrpc

from deploy.local.supervisor.faults import Faults


def test_each_number_is_what_supervisor_calls_so() -> None:
    assert {each.name: each.value for each in Faults} == {
        each.name: getattr(xmlrpc.Faults, each.name) for each in Faults
    }
