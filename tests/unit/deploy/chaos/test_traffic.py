import json
from collections import Counter

from deploy.chaos.ledger import Ledger
from deploy.chaos.sample import Kind
from deploy.chaos.traffic import Call, Person, Traffic
from deploy.chaos.wire import Answer

PEOPLE = [Person(f"u{number}", f"t{number}") for number in range(4)]


STOCK = {"mug": 400, "tea": 10}


def traffic(ledger: Ledger) -> Traffic:
    return Traffic("run", PEOPLE, STOCK, ledger)


def acknowledge(calls: Traffic, call: Call) -> None:
    body = json.dumps({"id": f"order-of-{call.key}"}).encode()
    calls.answered(call, Answer(201, {}, body))


def drive(ledger: Ledger, number: int = 1000) -> list[Call]:
    """So many calls, each answered as it should be."""
    calls = traffic(ledger)
    made = []
    for _ in range(number):
        made.append(calls.next())
        acknowledge(calls, made[-1])
    return made


def test_all_kinds_are_sent_and_half_of_them_are_writes_with_keys() -> None:
    kinds = Counter(call.kind for call in drive(Ledger()))
    assert kinds.keys() == set(Kind)
    assert kinds[Kind.KEYED] + kinds[Kind.SLOW] > 450


def test_calls_of_both_functions_public_and_private_are_sent() -> None:
    names = {call.name for call in drive(Ledger())}
    assert names == {
        "GET /products", "GET /products/{id}", "GET /users/{id}", "GET /users/me", "GET /orders", "GET /orders/{id}",
        "POST /orders", "POST /orders/{id}/pay", "POST /orders/{id}/cancel", "POST /users",
    }  # fmt: skip


def test_a_key_is_never_used_twice_and_only_where_it_is_honoured() -> None:
    made = drive(Ledger())
    keys = [call.key for call in made if call.key]
    assert len(keys) == len(set(keys))
    with_key = {call.name for call in made if "Idempotency-Key" in call.request.headers}
    assert with_key == {"POST /orders"}


def test_an_order_is_settled_once_by_who_placed_it_and_only_when_it_is_there() -> None:
    ledger = Ledger()
    made = drive(ledger)
    settled = [call for call in made if call.status]
    assert len({call.order for call in settled}) == len(settled)
    owners = {f"order-of-{key}": user for key, user in ledger.placed.items()}
    for call in settled:
        assert call.request.headers["Authorization"] == f"Bearer t{owners[call.order][1:]}"
    assert ledger.settled == ledger.asked


def test_what_is_sent_is_written_down_before_it_is_answered() -> None:
    ledger = Ledger()
    calls = traffic(ledger)
    placed = next(call for call in iter(calls.next, None) if call.key)
    assert ledger.placed.keys() == {placed.key}
    assert ledger.confirmed == {}
    acknowledge(calls, placed)
    assert ledger.confirmed == {placed.key: {f"order-of-{placed.key}"}}


def test_a_run_gives_back_most_of_what_it_takes() -> None:
    made = drive(Ledger())
    placed = sum(bool(call.key) for call in made)
    cancelled = sum(call.status == "cancelled" for call in made)
    assert cancelled > placed / 2


def ordered(call: Call) -> str:
    return str(json.loads(call.request.body)["items"][0]["sku"])


def test_no_more_is_ordered_than_there_is_and_what_was_cancelled_is_there_again() -> None:
    calls, held, owed = traffic(Ledger()), Counter[str](), dict[str, str]()
    for _ in range(5000):
        call = calls.next()
        if call.key:
            owed[f"order-of-{call.key}"] = ordered(call)
            held[ordered(call)] += 1
        if call.status == "cancelled":
            held[owed[call.order]] -= 1
        assert all(held[product] <= STOCK[product] for product in held)
        acknowledge(calls, call)


def test_where_nothing_is_left_to_be_ordered_is_read() -> None:
    calls = Traffic("run", PEOPLE, {"mug": 1}, Ledger())
    assert sum(bool(calls.next().key) for _ in range(100)) == 1
