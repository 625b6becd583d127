"""What runs the asynchronous part of a command, and what ends a command."""

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Final, TypeVar

T = TypeVar("T")

MOST_DESCRIPTORS: Final = 65_536
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def run(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `work` to its end. The first interrupt or termination cancels it, so that it may clean up; further
    ones are ignored from then on, because they would break off the cleaning up.
    """
    import uvloop  # a list of commands, or a version, is printed without it

    ended_by: list[signal.Signals] = []

    async def until_ended() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 - inside a coroutine there is one

        def end(by: signal.Signals) -> None:
            if not ended_by:
                ended_by.append(by)
                task.cancel()

        for one in _ENDING:
            loop.add_signal_handler(one, end, one)
        return await work()

    raise_descriptor_limit()
    before = {one: signal.getsignal(one) for one in _ENDING}
    try:
        return uvloop.run(until_ended())
    except asyncio.CancelledError:
        if ended_by == [signal.SIGINT]:
            raise KeyboardInterrupt from None
        raise
    finally:
        for one, handler in before.items():
            signal.signal(one, signal.SIG_IGN if ended_by else handler or signal.SIG_DFL)


def end_once() -> None:
    """Let the first interrupt or termination outside of `run` end the command too, so that it may stop what
    it started; further ones are ignored.
    """
    for one in _ENDING:
        signal.signal(one, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for one in _ENDING:
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else asyncio.CancelledError


def raise_descriptor_limit() -> None:
    """Let this process open as many files and connections as the machine allows, 65,536 at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def for_ever() -> None:
    """Until the command is interrupted."""
    await asyncio.Event().wait()
