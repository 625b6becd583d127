"""Ports of this machine: one for a server that is about to start, and one on which nobody listens."""

import random
import socket
from contextlib import suppress
from functools import cache


def free_port() -> int:
    """A port for a server that a test starts itself.

    It lies below those that the system gives away, so that no connection and no server of another test takes
    it meanwhile.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def closed_port() -> int:
    """A port that refuses every connection. It stays taken, so that nobody else listens there later."""
    return _taken().getsockname()[1]


@cache
def _taken() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken
