"""How many requests run at once, so that servers which hang take no room from the others."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

HANGS_AFTER_S: Final = 2.0


class RequestSlots:
    """At most `at_once` requests. One to a server among many that takes long gives its slot to another."""

    def __init__(self, at_once: int, hangs_after_s: float = HANGS_AFTER_S) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._hangs_after_s = hangs_after_s

    @asynccontextmanager
    async def taken(self, *, of_one_server: bool) -> AsyncGenerator[None]:
        """A slot for a request. While a request to one of many servers hangs, another one gets its slot."""
        await self._free.acquire()
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self._free.release()

        timer = (
            asyncio.get_running_loop().call_later(self._hangs_after_s, give_back) if of_one_server else None
        )
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            give_back()
