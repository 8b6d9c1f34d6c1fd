"""What may be carried out on the event loop, as far as is known."""

from runtime.database.pace import AT_ONCE, LONG, Pace

SHORT, SQL = LONG / 10, "SELECT 1"


def proofs(pace: Pace) -> int:
    """How many short runs in the thread it takes until the loop has it."""
    needed = 0
    while not pace.short(SQL):
        pace.in_thread(SQL, SHORT, far=False)
        needed += 1
    return needed


def test_a_statement_proves_in_the_thread_that_it_is_short() -> None:
    pace = Pace()
    assert not pace.short(SQL)
    assert proofs(pace) == 1
    assert not pace.short("SELECT 2")


def test_what_is_long_in_the_thread_stays_there() -> None:
    pace = Pace()
    for _ in range(3):
        pace.in_thread(SQL, LONG * 2, far=False)
        assert not pace.short(SQL)
    pace.in_thread(SQL, SHORT, far=True)  # of many steps, which the loop would not let it have
    assert not pace.short(SQL)


def test_what_was_slow_on_the_loop_proves_itself_twice_as_often_each_time() -> None:
    pace = Pace()
    found = [proofs(pace)]
    for outgrown in (False, True, False, True):
        pace.outgrown(SQL) if outgrown else pace.on_loop(SQL, LONG * 2)
        found.append(proofs(pace))
    assert found == [1, 2, 4, 8, 16]


def test_what_is_slow_again_and_again_has_the_loop_ever_more_rarely_and_not_never() -> None:
    pace = Pace()
    found = [proofs(pace)]
    for _ in range(20):
        pace.on_loop(SQL, LONG * 2)
        found.append(proofs(pace))
    assert found == sorted(found)
    assert found[-1] == found[-2] == 4096


def test_what_cannot_be_given_up_never_has_the_loop() -> None:
    pace = Pace()
    assert not pace.known(SQL)
    pace.never(SQL)
    for _ in range(10):
        pace.in_thread(SQL, SHORT, far=False)
        pace.in_thread(SQL, LONG * 2, far=True)
    assert pace.known(SQL)
    assert not pace.short(SQL)


def test_what_was_slow_by_chance_is_forgiven() -> None:
    pace = Pace()
    proofs(pace)
    for _ in range(4):
        pace.on_loop(SQL, LONG * 2)
        proofs(pace)
    for _ in range(1000):
        pace.on_loop(SQL, SHORT)
    pace.on_loop(SQL, LONG * 2)
    assert proofs(pace) == 2


def test_others_have_a_turn_after_a_row_of_statements_or_a_long_one() -> None:
    pace = Pace()
    proofs(pace)
    turns = [pace.on_loop(SQL, SHORT) for _ in range(AT_ONCE * 2)]
    assert [at for at, turn in enumerate(turns, 1) if turn] == [AT_ONCE, AT_ONCE * 2]
    assert pace.on_loop(SQL, SHORT, far=True)


def test_a_program_that_makes_up_its_texts_fills_no_memory() -> None:
    pace = Pace()
    for number in range(5000):
        pace.in_thread(f"SELECT {number}", SHORT, far=False)
    assert len(pace._records) <= 1000
    assert pace.short("SELECT 4999")
