"""The likes of executives who have authorised our app; of the others it is kept that none can be seen."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.core.abilities import Likes, LikesReader
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from storage.executives.follows import Access, known_likes, note_access
from storage.executives.signals import add_signals, executives
from storage.model.core.accounts import AccountId, Executive, Platform
from storage.model.core.availability import MissedReason
from storage.model.core.signals import SignalKind
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_AUTHORISED: Final = Access(observable=True, reason="Authorised our app to read their likes.")


def access_after(likes: Likes, platform: Platform) -> Access | None:
    """What a poll says of whether likes can be seen; None when it says nothing of that."""
    if likes.trouble is None:
        return _AUTHORISED
    name = PLATFORM_NAME[platform]
    if likes.trouble.reason is MissedReason.AUTH:
        words = "it was revoked, or our keys or this machine's clock are wrong."
        return _unseen(f"{name} does not accept their authorisation of our app: {words}")
    if likes.trouble.reason is MissedReason.ACCESS:
        return _unseen(f"{name} refuses to show their likes in spite of their authorisation.")
    return None


def _unseen(reason: str) -> Access:
    return Access(observable=False, reason=reason)


class LikesPoller:
    """Polls the likes of executives every `every`. `readers` are those who authorised us, by native id.

    Needs `load` first, and again when executives were added.
    """

    def __init__(
        self,
        pool: Pool,
        platform: Platform,
        readers: Mapping[str, LikesReader],
        every: timedelta,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._readers = readers
        self._every = every
        self._clock = clock
        self._readable: list[Executive] = []
        self._not_before: dict[AccountId, datetime] = {}

    async def load(self) -> None:
        """Take up the executives, and keep of those who have not authorised us that nothing can be seen."""
        async with transaction(self._pool) as conn:
            everybody = await executives(conn, self._platform)
            self._readable = [e for e in everybody if e.account.native_id in self._readers]
            name = PLATFORM_NAME[self._platform]
            private = _unseen(f"Likes on {name} are private, and our app has no authorisation of theirs.")
            closed = {
                e.account.account_id: private for e in everybody if e.account.native_id not in self._readers
            }
            await note_access(conn, SignalKind.LIKE, closed, self._clock())

    def next_due(self) -> datetime | None:
        """When the next executive is to be polled; None when nobody has authorised us."""
        return min((self._due(e) for e in self._readable), default=None)

    async def tick(self) -> None:
        """Poll everybody who is due. Faults of the platform are never raised."""
        for executive in list(self._readable):
            if self._due(executive) <= self._clock():
                await self._poll(executive, self._clock())

    def _due(self, executive: Executive) -> datetime:
        return self._not_before.get(executive.account.account_id, _NEVER)

    async def _poll(self, executive: Executive, asked_at: datetime) -> None:
        account_id, native_id = executive.account.account_id, executive.account.native_id
        async with transaction(self._pool) as conn:
            known = await known_likes(conn, account_id)
        seen = await self._readers[native_id].likes(native_id, known, asked_at)
        at = self._clock()
        self._not_before[account_id] = _next_at(asked_at + self._every, seen.trouble)
        access = access_after(seen, self._platform)
        async with transaction(self._pool) as conn:
            if access is not None:
                await note_access(conn, SignalKind.LIKE, {account_id: access}, at)
            await add_signals(conn, account_id, seen.signals, at)
        if seen.trouble is None and not seen.complete:
            log.warning(
                "Some likes of %s were missed, because more likes were added since the last poll than one "
                "poll reads.",
                executive.name,
                extra={"event": "likes_missed", "executive": executive.name},
            )


def _next_at(due: datetime, failure: RequestFailure | None) -> datetime:
    return due if failure is None else max(due, failure.retry_at)
