"""What runs the asynchronous part of a command."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

import uvloop

T = TypeVar("T")


def run(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `work` to its end. An interrupt or a termination cancels it, so that it may clean up."""

    async def until_terminated() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - inside a coroutine there is one
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work()

    return uvloop.run(until_terminated())


async def for_ever() -> None:
    """Until the command is interrupted."""
    await asyncio.Event().wait()
