"""Answers that speak of the same account are taken in one after the other, so that each is judged by what the
one before left. A list that is read ahead and the turn of one of its members may well meet.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager

from storage.model.core.accounts import AccountId


class AccountLocks:
    """Whose answers are being judged and recorded."""

    def __init__(self) -> None:
        self._accounts: set[AccountId] = set()
        self._everybody = asyncio.Lock()
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def holding(self, account_ids: Collection[AccountId]) -> AsyncGenerator[None]:
        """Waits as long as any of these is in hand."""
        while self._everybody.locked() or not self._accounts.isdisjoint(account_ids):
            await self._freed()
        self._accounts.update(account_ids)
        try:
            yield
        finally:
            self._accounts.difference_update(account_ids)
            self._wake()

    @asynccontextmanager
    async def holding_everybody(self) -> AsyncGenerator[None]:
        """Waits until nobody is in hand. Whoever comes later waits for it."""
        try:
            async with self._everybody:
                while self._accounts:
                    await self._freed()
                yield
        finally:
            self._wake()

    async def _freed(self) -> None:
        freed = asyncio.get_running_loop().create_future()
        self._waiting.append(freed)
        await freed

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for freed in waiting:
            if not freed.done():
                freed.set_result(None)
