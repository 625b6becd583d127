"""What a process of Blockline is called, so that people find it again."""

import os
import socket

APPLICATION = "blockline "
"""Begins the name of each connection to the database; that of its process follows."""


def this_process() -> str:
    """Its machine and number there."""
    return f"{socket.gethostname()} {os.getpid()}"
