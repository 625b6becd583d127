"""What runs the asynchronous part of a command."""

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

import uvloop

T = TypeVar("T")

MOST_DESCRIPTORS: Final = 65_536


def run(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `work` to its end. An interrupt or a termination cancels it, so that it may clean up."""

    async def until_terminated() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - inside a coroutine there is one
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work()

    raise_descriptor_limit()
    return uvloop.run(until_terminated())


def raise_descriptor_limit() -> None:
    """Let this process open as many files and connections as the machine allows, 65,536 at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def for_ever() -> None:
    """Until the command is interrupted."""
    await asyncio.Event().wait()
