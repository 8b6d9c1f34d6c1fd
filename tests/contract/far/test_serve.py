"""What is served to a machine that dies ends; what is served to one that reads slowly does not."""

import time
from pathlib import Path

from runtime import silence
from tests.contract.runtime.instance import function, served
from tests.far import Far

SILENT = silence.QUIET + silence.AGAIN * silence.QUESTIONS + silence.UNACKNOWLEDGED  # seconds

CODE = """
import asyncio

from runtime.telemetry import log
from runtime.serving.application import application as outermost
from runtime.serving.health import Health


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["path"] == "/endless":
        log.get(__name__).info("begun")
        try:
            await asyncio.sleep(3600)
        finally:
            log.get(__name__).info("left alone")
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(32 * 1024 * 1024)})


application = outermost(app, Health())
"""


def test_a_request_of_a_machine_that_is_gone_is_left_alone(far: Far, tmp_path: Path) -> None:
    with served(function(tmp_path, CODE), HOST=far.here) as instance:
        instance.says("ready")
        with far.dial(instance.port) as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
            instance.says("begun")
            far.pull()
            instance.says("left alone")


def test_a_machine_that_reads_slowly_gets_all_of_its_answer(far: Far, tmp_path: Path) -> None:
    with served(function(tmp_path, CODE), HOST=far.here) as instance:
        instance.says("ready")
        with far.dial(instance.port) as client:
            client.sendall(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            time.sleep(SILENT)  # that it takes so long is what this is about
            received = 0
            while part := client.recv(1024 * 1024):
                received += len(part)
    assert received > 32 * 1024 * 1024
