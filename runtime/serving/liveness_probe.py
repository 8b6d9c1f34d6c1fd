"""Asks this instance's own `/livez`: a container's health check, which must not cost the memory of an HTTP client.

Exit code 0 when the process answers 200, 1 otherwise.
"""

import os
import socket
import sys


def alive(port: int, patience: float = 2.0) -> bool:
    """Whether what listens on `port` answers 200 within `patience` seconds."""
    try:
        with socket.create_connection(("127.0.0.1", port), patience) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if alive(int(os.environ["PORT"])) else 1)
