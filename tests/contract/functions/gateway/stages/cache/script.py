"""Cases of the contract suite: what a client asks, step by step, what the function would say, and what must come.

No case waits: what has to be old is given an age by its Date or its Age.
"""

import time
from dataclasses import dataclass, field
from email.utils import formatdate

Fields = tuple[str, ...]  # "Name: value"; {now}, {now-60} and {now+60} stand for dates

FUNCTION, CACHE = "function", "cache"  # whose answer a client gets


@dataclass(frozen=True, slots=True)
class Step:
    """One request, what the function would answer to it, and what its client must see.

    `came`: from whom the answer has to come, None: from either; `asked`: fields that the function must have been asked
    with, `Name` or `Name: value`; `shows` and `hides`: of the answer's fields. `body` is the function's; `gets` is what
    the client has to get, where that is another.
    """

    came: str | None = FUNCTION
    sends: Fields = ()
    method: str = "GET"
    target: str = ""
    status: int = 200
    says: Fields = ()
    body: str = "abcdefghij"
    code: int | None = None
    gets: str | None = None
    asked: Fields = ()
    shows: Fields = ()
    hides: Fields = ()
    breaks: bool = False  # the function ends the connection without an answer


@dataclass(frozen=True, slots=True)
class Case:
    """Requests to one target of its own; `name` begins with the section that it is about."""

    name: str
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Answer:
    """What a client got."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Function:
    """What the function has been told to say next, and what it was asked."""

    step: Step = field(default_factory=Step)
    heads: list[list[tuple[str, str]]] = field(default_factory=list)

    def answers(self, head: list[tuple[str, str]]) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, fields and content for a request with this head."""
        self.heads.append(head)
        content = b"" if self.step.status in {204, 304} else self.step.body.encode()
        said = [(name, value.strip()) for name, _, value in (dated(line).partition(":") for line in self.step.says)]
        return self.step.status, said, content


def dated(line: str) -> str:
    """A field with its dates written out."""
    before, brace, rest = line.partition("{now")
    if not brace:
        return line
    offset, _, after = rest.partition("}")
    return f"{before}{formatdate(time.time() + int(offset or 0), usegmt=True)}{after}"


def faults(step: Step, answer: Answer, asked: list[list[tuple[str, str]]]) -> list[str]:
    """What is wrong with an answer, and with what the function was asked for it; nothing, if all is as it must be."""
    return [
        *_origin(step, asked),
        *_content(step, answer),
        *(f"{line!r} is not in the answer" for line in step.shows if not _has(answer.headers, line)),
        *(f"{line!r} is in the answer" for line in step.hides if _has(answer.headers, line)),
        *(
            f"the function was not asked with {line!r}"
            for line in step.asked
            if not _has(asked[-1] if asked else [], line)
        ),
    ]


def _origin(step: Step, asked: list[list[tuple[str, str]]]) -> list[str]:
    if step.came == CACHE and asked:
        return ["the function was asked"]
    if step.came == FUNCTION and len(asked) != 1:
        return [f"the function was asked {len(asked)} times"]
    return []


def _content(step: Step, answer: Answer) -> list[str]:
    code = step.code or step.status
    if answer.status != code:
        return [f"the status is {answer.status}, not {code}"]
    if step.gets is not None and answer.body.decode() != step.gets:
        return [f"the content is {answer.body!r}, not {step.gets!r}"]
    return []


def _has(headers: list[tuple[str, str]], line: str) -> bool:
    name, colon, value = dated(line).partition(":")
    found = [text for key, text in headers if key.lower() == name.lower()]
    return value.strip() in found or value.strip() == ", ".join(found) if colon else bool(found)
