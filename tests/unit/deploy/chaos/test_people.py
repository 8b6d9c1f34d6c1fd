import json

import pytest

from deploy.chaos import people
from deploy.chaos.traffic import Person
from deploy.chaos.wire import Answer, Broken, Request
from deploy.engine import Refusal


class Stack:
    """Registers and logs in, or answers as it is told."""

    def __init__(self, answer: Answer | None = None, error: Exception | None = None) -> None:
        self.asked: list[Request] = []
        self._answer = answer
        self._error = error

    async def send(self, request: Request) -> Answer:
        self.asked.append(request)
        if self._error:
            raise self._error
        email = json.loads(request.body)["email"]
        made = {"id": f"id of {email}"} if request.target == "/users" else {"access_token": f"token of {email}"}
        return self._answer or Answer(201, {}, json.dumps(made).encode())


async def test_each_has_an_account_and_is_logged_in() -> None:
    stack = Stack()
    made = await people.make(stack, "run", 3)
    emails = [f"run-p{number}@example.com" for number in range(3)]
    assert made == [Person(f"id of {email}", f"token of {email}") for email in emails]
    assert len(stack.asked) == 6


async def test_a_stack_that_makes_none_is_a_refusal_with_its_words() -> None:
    with pytest.raises(Refusal, match="answered 503 no"):
        await people.make(Stack(Answer(503, {}, b"no")), "run", 1)


async def test_a_stack_that_does_not_answer_is_a_refusal() -> None:
    with pytest.raises(Refusal, match="got no answer"):
        await people.make(Stack(error=Broken("closed")), "run", 1)
