"""Work that nobody waits for is ended: when its deadline passes before it answers, and when its caller has gone.

In: an ASGI application. Out: the same one, whose task is cancelled then; what it had open (a transaction, a statement)
ends with it. A deadline that is over, or as good as over, is 504 before anything begins. What has begun to answer has
met its deadline, and is ended by its caller's going alone. What fails before it answers, or returns without an answer,
is 500, and 504 where its time was over, whatever it made of that; a server has no words for it.

Only `receive()` tells that a caller has gone. It is asked once the body is over and a moment has passed, in which most
answers are out; what it says meanwhile is kept for the application. An application that asks for what comes after the
body, or while it answers, is told, and not cancelled. A body that it never reads hides its caller's going: then the
deadline ends it. What ends because its caller has gone has no answer, or half of one: answered.py sees to that under a
server that says so of callers who wait.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable

from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.http.problem import DEADLINE_EXCEEDED, INTERNAL, Kind, Problem
from runtime.http.refusal import refuse
from runtime.serving import deadline
from runtime.serving.answered import Unanswered
from runtime.serving.deadline import Deadline
from runtime.serving.unread import announced, read_on

_MOMENT = 0.02  # seconds
_GONE = "http.disconnect"


def awaited(app: ASGIApp) -> ASGIApp:
    """`app`, for as long as somebody waits for its answer; the deadline is `deadline.current`."""

    async def serving(scope: Scope, receive: Receive, send: Send) -> None:
        until = deadline.current.get()
        call = _Call(receive, send, until, has_body=announced(scope["headers"]))
        failure = kind = None
        try:
            if until is not None and until.over:
                await refuse(Problem(DEADLINE_EXCEEDED), scope, call.send)
            else:
                failure = await _failure(app, scope, call)
                kind = call.owed(failure)
        finally:
            call.close()
        if kind is not None:
            await refuse(Problem(kind), scope, send)
        if call.unread and (kind is not None or failure is None):
            await read_on(receive)
        if failure is not None:
            raise failure  # the server logs it, and cuts off what has begun

    return serving


async def _failure(app: ASGIApp, scope: Scope, call: "_Call") -> BaseException | None:
    """What became of a call, if it is neither an answer nor ended from here. Raises what ends the server's task."""
    try:
        await app(scope, call.receive, call.send)
    except asyncio.CancelledError as error:
        if call.ended:
            return None
        if call.stopped:
            raise
        return error  # what it waited for was cancelled, and not the call
    except SystemExit as error:
        return _told(scope, "ended by an exit", error)  # which would take everybody else's calls along
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  it is raised once its caller has an answer
        return error
    return _told(scope, "not answered") if call.expected else None


def _told(scope: Scope, what: str, cause: BaseException | None = None) -> Unanswered:
    unanswered = Unanswered(f"{scope['method']} {scope['path']} was {what}")
    unanswered.__cause__ = cause
    return unanswered


class _Call:
    """One call of an application, on the task that makes this."""

    __slots__ = (
        "_asking",
        "_ending",
        "_heard",
        "_listener",
        "_more",
        "_news",
        "_receive",
        "_send",
        "_task",
        "_timer",
        "_told",
        "_until",
        "_watching",
        "answering",
        "late",
    )

    def __init__(self, receive: Receive, send: Send, until: Deadline | None, *, has_body: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.answering = False
        self.late = False  # the deadline has ended it
        self._receive = receive
        self._send = send
        self._until = until
        self._task = task
        self._more = has_body  # some of the body is still to come
        self._asking = 0  # how many of the application's tasks wait for what the server says
        self._told = False  # that the caller has gone, to who asked
        self._ending = False
        self._watching = False  # from the end of the first moment on
        self._listener: asyncio.Task[None] | None = None
        moment = _MOMENT if until is None else min(_MOMENT, until.remaining())
        self._timer = asyncio.get_running_loop().call_later(moment, self._look)

    @property
    def ended(self) -> bool:
        """Whether it is cancelled from here, and from nowhere else."""
        return self._ending and self._task.cancelling() == 1

    @property
    def stopped(self) -> bool:
        """Whether its task is cancelled, from wherever."""
        return self._task.cancelling() > 0

    def owed(self, failure: BaseException | None) -> Kind | None:
        """What its caller still has to be told, whatever the application made of its end."""
        if self.late and not self.answering:
            return DEADLINE_EXCEEDED
        return INTERNAL if failure is not None and self.expected else None

    @property
    def expected(self) -> bool:
        """Whether its caller waits for an answer, and none has begun."""
        return not (self.answering or self._told or self._ending)

    @property
    def unread(self) -> bool:
        """Whether some of the body is still to come, and may be: its caller has not gone."""
        return self._more and not self._told

    async def receive(self) -> Message:
        """What the server says; a caller who goes before the end of the body ends a call without an answer."""
        self._asking += 1
        try:
            message = await (self._receive() if self._listener is None else self._next())
        finally:
            self._asking -= 1
        if message["type"] != _GONE:
            self._more = message.get("more_body", False)
            message.setdefault("body", b"")  # ASGI lets a server leave it out, and NGINX Unit does; Litestar reads it
            self._ask()
            return message
        self._told = True
        if self._more and not self.answering:
            self._end()
            await asyncio.sleep(0)  # here the end is felt, unless this is a task of the application's own
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Passes an answer on: its head meets the deadline, and after its last part nobody waits."""
        if message["type"] == "http.response.start":
            self.answering = True
        elif not message.get("more_body", False):
            self.close()
        return self._send(message)

    def close(self) -> None:
        """Ends the watch; harmless when called again."""
        self._timer.cancel()
        self._watching = False
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None
        if self._ending:
            self._ending = False
            self._task.uncancel()

    def _look(self) -> None:
        """The first moment is over, or the time is."""
        self._watching = True
        self._ask()
        if self._until is None or self.answering:
            return
        if self._until.over:
            self.late = True
            self._end()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._until.remaining(), self._look)

    def _ask(self) -> None:
        """Begins to listen, unless the application does itself, or may still want its body."""
        elsewhere = self._asking or self._more or self._told
        if self._watching and self._listener is None and not elsewhere:
            self._heard: deque[Message] = deque()
            self._news = asyncio.Event()
            self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        """Keeps what the server says, until that is that the caller has gone."""
        while not self._heard or self._heard[-1]["type"] != _GONE:
            self._heard.append(await self._receive())
            self._news.set()
        if not self._asking:
            self._end()

    async def _next(self) -> Message:
        """The next of what was kept; that the caller has gone, again and again."""
        while not self._heard:
            self._news.clear()
            await self._news.wait()
        return self._heard[0] if self._heard[0]["type"] == _GONE else self._heard.popleft()

    def _end(self) -> None:
        if not self._ending:
            self._ending = True
            self._task.cancel()
