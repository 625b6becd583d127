"""Whom executives follow, read at most daily: a follow or an unfollow lies between two complete readings."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.core.abilities import FollowLists, Follows
from collectors.core.collector import Collector, RequestFailure
from jobs.base.clock import Clock
from storage.executives import follows as store
from storage.executives.follows import Access, FollowReading, FollowStep
from storage.executives.signals import executives
from storage.model.core.accounts import AccountId, Executive
from storage.model.core.availability import MissedReason, Status
from storage.model.core.signals import SignalKind
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.pool import Pool, StaleState, transaction

log = logging.getLogger(__name__)

_TRY_AGAIN: Final = timedelta(hours=1)
"""After a request that failed. X bills an account once per UTC day, so a second try that day is free."""

_READABLE: Final = Access(observable=True, reason="The list of those followed is public.")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_STILL_SHOWN: Final = {Status.AVAILABLE, Status.PROTECTED, Status.WITHHELD}


def compare(known: Mapping[str, bool], listed: Collection[str], shown: Collection[str]) -> FollowStep:
    """What a complete list says of the `known` follows (True: missing from the list before it already).

    Only a target that is itself `shown` was unfollowed: platforms leave accounts that are suspended or closed
    out of everybody's list.
    """
    gone = [target for target in known if target not in listed]
    return FollowStep(
        began=tuple(target for target in listed if target not in known),
        ended=tuple(target for target in gone if target in shown),
        missing=tuple(target for target in gone if target not in shown),
        back=tuple(target for target, missing in known.items() if missing and target in listed),
    )


def believable(listed: int, stated: int | None, known: int, vanished: int) -> bool:
    """Whether a complete list may be compared with the `known` follows, of which `vanished` are not on it.

    An empty answer would look like a mass of unfollows. So a list far below the platform's own count of the
    same minute (`stated`, None when it was not to be had) is not believed, and neither is a mass of unfollows
    that the count does not bear out.
    """
    few = vanished <= max(10, known // 10)
    if stated is None:
        return few
    shortfall = stated - listed
    return shortfall * 2 <= stated and (few or shortfall <= max(10, stated // 10))


class FollowsPoller:
    """Reads the list of each executive every `every`. The first complete reading is a baseline.

    Needs `load` first, and again when executives were added.
    """

    def __init__(
        self, pool: Pool, collector: Collector, lists: FollowLists, every: timedelta, clock: Clock
    ) -> None:
        self._pool = pool
        self._collector = collector
        self._lists = lists
        self._name = PLATFORM_NAME[collector.platform]
        self._every = every
        self._clock = clock
        self._executives: list[Executive] = []
        self._read_at: dict[AccountId, datetime] = {}
        self._not_before: dict[AccountId, datetime] = {}

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            self._executives = await executives(conn, self._collector.platform)
            self._read_at = await store.last_readings(conn, self._collector.platform)

    def next_due(self) -> datetime | None:
        """When the next executive is to be read; None when there is none."""
        return min((self._due(e) for e in self._executives), default=None)

    async def tick(self) -> None:
        """Read everybody who is due. Faults of the platform are never raised."""
        for executive in list(self._executives):
            if self._due(executive) <= self._clock():
                await self._read(executive, self._clock())

    def _due(self, executive: Executive) -> datetime:
        account_id = executive.account.account_id
        read_at = self._read_at.get(account_id)
        due = _NEVER if read_at is None else read_at + self._every
        return max(due, self._not_before.get(account_id, _NEVER))

    async def _read(self, executive: Executive, asked_at: datetime) -> None:
        account_id, native_id = executive.account.account_id, executive.account.native_id
        self._not_before[account_id] = asked_at + self._every
        counts = await self._lists.following_counts([native_id], asked_at)
        if isinstance(counts, RequestFailure):
            self._try_again(account_id, counts, asked_at)
            return
        stated = counts.get(native_id)
        if stated is not None and stated > self._lists.most_follows:
            await self._note_access(account_id, self._too_many, asked_at)
            return
        seen = await self._lists.follows(native_id, asked_at)
        if isinstance(seen, RequestFailure) and seen.reason is MissedReason.ACCESS and not seen.breaker:
            words = f"{self._name} does not show whom they follow: {seen.detail}"
            await self._note_access(account_id, words, asked_at)
        elif isinstance(seen, RequestFailure):
            self._try_again(account_id, seen, asked_at)
        elif seen.complete:
            await self._take_in(executive, seen, stated, asked_at)
        elif seen.trouble is not None:
            self._try_again(account_id, seen.trouble, asked_at)
        else:
            cut_short = len(seen.targets) >= self._lists.most_follows
            words = f"{self._name} left somebody out of the list, so it cannot be compared."
            await self._note_access(account_id, self._too_many if cut_short else words, asked_at)

    async def _take_in(
        self, executive: Executive, seen: Follows, stated: int | None, asked_at: datetime
    ) -> None:
        account_id = executive.account.account_id
        async with transaction(self._pool) as conn:
            known = await store.open_follows(conn, account_id)
        listed = dict(seen.targets)
        gone = [target for target in known if target not in listed]
        vanished = sum(1 for target in gone if not known[target])
        if not believable(len(listed), stated, len(known), vanished):
            log.warning(
                "The list of accounts that %s follows is not believed: %s lists %d, and its own count is %s.",
                executive.name, self._name, len(listed), "unknown" if stated is None else stated,
                extra={"event": "follows_not_believed", "executive": executive.name},
            )  # fmt: skip
            words = f"Too many are missing from the list that {self._name} shows, so it is not believed."
            await self._note_access(account_id, words, asked_at)
            return
        step = compare(known, listed, await self._shown(gone))
        at = self._clock()
        reading = FollowReading(account_id, self._read_at.get(account_id), asked_at, at, len(listed))
        try:
            async with transaction(self._pool) as conn:
                await store.record_follows(conn, reading, step)
                await store.note_access(conn, SignalKind.FOLLOW, {account_id: _READABLE}, at)
        except StaleState as error:
            log.warning("%s", error, extra={"event": "state_reloaded"})
            await self.load()
            return
        self._read_at[account_id] = asked_at

    async def _shown(self, targets: Sequence[str]) -> set[str]:
        """Those of the accounts that the platform shows now. One that gave no answer is not among them."""
        shown: set[str] = set()
        size = self._collector.batch_size
        for start in range(0, len(targets), size):
            answer = await self._collector.read(targets[start : start + size], self._clock())
            shown |= {r.native_id for r in answer.readings if r.state.status in _STILL_SHOWN}
        return shown

    @property
    def _too_many(self) -> str:
        return f"Follows more than {self._lists.most_follows} accounts, more than one reading covers."

    async def _note_access(self, account_id: AccountId, why_not: str, now: datetime) -> None:
        unseen = Access(observable=False, reason=why_not)
        async with transaction(self._pool) as conn:
            await store.note_access(conn, SignalKind.FOLLOW, {account_id: unseen}, now)

    def _try_again(self, account_id: AccountId, failure: RequestFailure, asked_at: datetime) -> None:
        self._not_before[account_id] = max(asked_at + _TRY_AGAIN, failure.retry_at)
