import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.serving.liveness_probe import alive


@contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_process_that_answers_200_is_alive() -> None:
    with _answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as port:
        assert alive(port)


def test_any_other_answer_is_not() -> None:
    with _answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n") as port:
        assert not alive(port)


def test_nor_is_one_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not alive(port)


def test_nor_is_one_that_takes_too_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not alive(listener.getsockname()[1], patience=0.05)
