"""Which accounts are asked together: the rosters of the sweep, and those made for one occasion."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs.judge import Canary, Watched
from jobs.planner import choose_canaries, pack
from storage import accounts, rosters
from storage.db import Conn, Pool, transaction
from storage.model.accounts import AccountId, Platform
from storage.model.coverage import Roster


class RosterBook:
    """The rosters of one platform. Every one of them holds the control accounts that are named now."""

    def __init__(self, platform: Platform, batch_size: int, canaries_per_request: int) -> None:
        self.base: list[Roster] = []
        self._platform = platform
        self._batch_size = batch_size
        self._canaries_per_request = canaries_per_request
        self._canaries: dict[AccountId, Canary] = {}
        self._ad_hoc: dict[tuple[tuple[AccountId, ...], tuple[AccountId, ...]], Roster] = {}

    async def load(self, conn: Conn, watched: Mapping[AccountId, Watched], now: datetime) -> None:
        """Put every watched account in one roster of the sweep, replacing only rosters that must change."""
        self._canaries = {
            a.account_id: Canary(a, s) for a, s in await accounts.canaries(conn, self._platform)
        }
        self._ad_hoc.clear()
        existing = await rosters.base_rosters(conn, self._platform)
        whole = [r for r in existing if all(a in watched for a in r.account_ids)]
        placed = {a for r in whole for a in r.account_ids}
        missing = [w.account for i, w in watched.items() if i not in placed]
        if missing and whole and len(whole[-1].account_ids) < self.size:
            missing += [watched[a].account for a in whole.pop().account_ids]
        wanted = [
            *((r.account_ids, r.canary_ids) for r in whole if self._is_guarded(r)),
            *((r.account_ids, None) for r in whole if not self._is_guarded(r)),
            *((ids, None) for ids in pack(missing, self.size)),
        ]
        self.base = [
            await rosters.get_or_make(
                conn, self._platform, ids, canaries or self._choose(turn), now, base=True
            )
            for turn, (ids, canaries) in enumerate(wanted)
        ]
        kept = {r.roster_id for r in self.base}
        await rosters.retire(conn, [r.roster_id for r in existing if r.roster_id not in kept], now)

    @property
    def size(self) -> int:
        """How many watched accounts one request takes."""
        return self._batch_size - len(self._choose(0))

    def canaries_of(self, roster: Roster) -> list[Canary]:
        return [self._canaries[c] for c in roster.canary_ids]

    async def ad_hoc(self, pool: Pool, ids: Sequence[AccountId], turn: int, now: datetime) -> Roster:
        """A roster for one occasion. Another `turn` takes other control accounts: it asks another way."""
        key = tuple(ids), self._choose(turn)
        roster = self._ad_hoc.get(key)
        if roster is None:
            async with transaction(pool) as conn:
                roster = await rosters.get_or_make(conn, self._platform, *key, now, base=False)
            self._ad_hoc[key] = roster
        return roster

    def _is_guarded(self, roster: Roster) -> bool:
        """Whether it has as many control accounts as there should be, all of them still named."""
        enough = len(roster.canary_ids) == len(self._choose(0))
        return enough and all(c in self._canaries for c in roster.canary_ids)

    def _choose(self, turn: int) -> tuple[AccountId, ...]:
        blocked = [i for i, c in self._canaries.items() if c.expected.is_blocked]
        stable = [i for i, c in self._canaries.items() if not c.expected.is_blocked]
        return choose_canaries(stable, blocked, self._canaries_per_request, turn)
