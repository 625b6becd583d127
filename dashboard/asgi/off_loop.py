"""Threads that draw pages, figures and exports, so that the event loop can read accounts and send emails
meanwhile.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREAD_NAME: Final = "drawing"
"""How the names of these threads begin."""
AT_ONCE: Final = 2
"""Python runs one thread at a time, so more would not be faster. Two let a small page pass a large one."""

# Not the threads of asyncio.to_thread: addresses are looked up and passwords are checked in those.
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=THREAD_NAME)


async def off_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what pure work returns; it runs in one of `AT_ONCE` threads and waits until one is free.

    The work must not use a connection or anything else of the event loop. `access.acting()` works in it.
    """
    run = partial(copy_context().run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads, run)
