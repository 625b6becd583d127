"""Which accounts are asked together: the rosters of the sweep, and those that are read out of turn."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from jobs.detect.judge import CanaryExpectation
from jobs.planning.sweep import Attempt, Sweep, choose_canaries, pack
from storage.accounts import canaries
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.coverage import BatchOutcome, Roster, WhyRead
from storage.model.core.shards import WHOLE
from storage.postgres.locks import Fence
from storage.postgres.pool import Conn, Pool, transaction
from storage.readings import coverage, rosters
from storage.work import shards


@dataclass(frozen=True, slots=True)
class _ReadSoFar:
    """What was read in the running slot. Empty on a platform whose shards never changed."""

    slot: datetime | None = None
    at: Mapping[AccountId, datetime] = field(default_factory=dict[AccountId, datetime])
    """When each account was read, by whichever roster."""
    answered: Collection[int] = ()
    """The rosters that were answered."""

    def is_mixed(self, roster: Roster) -> bool:
        """Whether some of its accounts, but not all, were read in other rosters. So it is when a number of
        shards was in force for too short a time for each leader to replace its rosters.
        """
        read = sum(a in self.at for a in roster.account_ids)
        return roster.roster_id not in self.answered and 0 < read < len(roster.account_ids)


class RosterBook:
    """The rosters of one platform as read from one vantage.

    Accounts of different places are never asked together. Every roster holds the control accounts of
    its place that are relied on now.
    """

    def __init__(
        self,
        platform: Platform,
        place_of: Callable[[str], str],
        batch_size: int,
        canaries_per_request: int,
        vantage: str = "",
        sweep: Sweep | None = None,
    ) -> None:
        """Without a `sweep`, accounts that are divided among other shards are read again at once."""
        self.shard = WHOLE
        """Whose accounts these rosters hold. May change only before a `load` of everything."""
        self.base: list[Roster] = []
        self.places: tuple[str, ...] = ()
        """Where those of the sweep are read."""
        self._platform = platform
        self._place_of = place_of
        self._batch_size = batch_size
        self._canaries_per_request = canaries_per_request
        self._vantage = vantage
        self._canaries: dict[AccountId, CanaryExpectation] = {}
        self._places: dict[str, list[CanaryExpectation]] = {}
        self._out_of_turn: dict[tuple[tuple[AccountId, ...], tuple[AccountId, ...], WhyRead], Roster] = {}
        self._renewal = asyncio.Lock()
        self._committed: Mapping[AccountId, CanaryExpectation] | None = None
        """The control accounts with which `base` was made. None: `base` may differ from the database."""
        self._uncommitted: Mapping[AccountId, CanaryExpectation] | None = None
        """The same, until the transaction that made `base` is committed."""
        self._guard_counts: dict[str, int] = {}
        self._sweep = sweep
        self._inherited: dict[int, Attempt] = {}
        """By roster whose accounts were all read in the running slot, also in other rosters before the shards
        changed, the attempt that counts for it.
        """

    @asynccontextmanager
    async def renewal(self, pool: Pool, fence: Fence) -> AsyncGenerator[Conn]:
        """A transaction for `load`: nobody else makes these rosters anew meanwhile. Who is watched is to be
        looked up in it.
        """
        async with self._renewal:
            self._uncommitted = None
            async with transaction(pool) as conn:
                await fence(conn)
                yield conn
            if self._uncommitted is not None:
                self._committed = self._uncommitted

    async def load(
        self,
        conn: Conn,
        watched: Mapping[AccountId, Account],
        now: datetime,
        edited: Collection[AccountId] | None = None,
    ) -> None:
        """Put every watched account in one roster of the sweep, replacing only rosters that must change. If
        only some accounts were `edited` since the last time, only their rosters are looked at.

        To be called in a `renewal`.
        """
        await self.load_canaries(conn)
        if self._canaries != self._committed:
            edited = None
        self._committed = None
        if edited is None:
            existing = await rosters.base_rosters(conn, self._platform, self._vantage, self.shard)
            existing = [replace(r, account_ids=_shared(r.account_ids, watched)) for r in existing]
        else:
            existing, edited = self.base, frozenset(edited)
        so_far = _ReadSoFar()
        if edited is None and self._sweep is not None and await shards.was_divided(conn, self._platform):
            so_far = await self._read_so_far(conn, self._sweep.slot(now))
        whole: list[Roster] = []
        placed: set[AccountId] = set()
        broken: list[AccountId] = []
        for r in existing:
            if edited is not None and edited.isdisjoint(r.account_ids):
                whole.append(r)
                continue
            fits = len(r.account_ids) <= self.size(r.place) and all(a in watched for a in r.account_ids)
            fits = fits and not so_far.is_mixed(r)
            if fits and placed.isdisjoint(r.account_ids):  # earlier versions could place somebody twice
                whole.append(r)
                placed.update(r.account_ids)
            else:
                broken += r.account_ids
        # An account that was read in this slot is not put beside one that was not: it would be read twice.
        missing: dict[tuple[str, bool], list[Account]] = {}
        for account_id in watched if edited is None else dict.fromkeys((*broken, *sorted(edited))):
            if account_id not in placed and (account := watched.get(account_id)) is not None:
                group = self._place_of(account.native_id), account_id in so_far.at
                missing.setdefault(group, []).append(account)
        for (place, is_read), accounts in missing.items():
            size = self.size(place)
            room = (
                n
                for n, r in enumerate(whole)
                if r.place == place
                and len(r.account_ids) < size
                and all((a in so_far.at) == is_read for a in r.account_ids)
            )
            if (last := max(room, default=None)) is not None:
                accounts += [watched[a] for a in whole.pop(last).account_ids]
        wanted = [
            *(
                (r.place, r.account_ids, r if edited is not None or self._is_guarded(r) else None)
                for r in whole
            ),
            *((p, ids, None) for (p, _), accounts in missing.items() for ids in pack(accounts, self.size(p))),
        ]
        new = [
            rosters.NewRoster(ids, self._choose(place, turn), place)
            for turn, (place, ids, kept) in enumerate(wanted)
            if kept is None
        ]
        made = iter(
            await rosters.get_or_make_all(conn, self._platform, new, now, base=True, vantage=self._vantage)
        )
        self.base = [kept or next(made) for _, _, kept in wanted]
        self.places = tuple(dict.fromkeys(r.place for r in self.base))
        self._inherited = {
            r.roster_id: Attempt(
                so_far.slot, 0, min(so_far.at[a] for a in r.account_ids), BatchOutcome.ANSWERED
            )
            for r in self.base
            if so_far.slot is not None and all(a in so_far.at for a in r.account_ids)
        }
        kept_ids = {r.roster_id for r in self.base}
        await rosters.retire(conn, [r.roster_id for r in existing if r.roster_id not in kept_ids], now)
        self._uncommitted = self._canaries

    async def _read_so_far(self, conn: Conn, slot: datetime) -> "_ReadSoFar":
        read = await coverage.answered_in_slot(conn, self._platform, slot, self.shard, self._vantage)
        last = await coverage.last_attempts(conn, self._platform, self._vantage)
        answered = {i for i, a in last.items() if a.slot == slot and a.outcome is BatchOutcome.ANSWERED}
        return _ReadSoFar(slot, read, answered)

    async def has_other_canaries(self, conn: Conn) -> bool:
        """Whether the control accounts, or the doubts about them, are other ones than these rosters know."""
        rows = await canaries.canaries(conn, self._platform)
        return {r.account.account_id: r.doubts > 0 for r in rows} != {
            account_id: canary.doubted for account_id, canary in self._canaries.items()
        }

    async def load_canaries(self, conn: Conn) -> None:
        """Take up which control accounts there are, and which are doubted."""
        rows = await canaries.canaries(conn, self._platform)
        self._canaries = {
            row.account.account_id: CanaryExpectation(row.account, row.expected, row.doubts > 0)
            for row in rows
        }
        self._places = {}
        for canary in self._canaries.values():
            self._places.setdefault(self._place_of(canary.account.native_id), []).append(canary)
        self._out_of_turn.clear()
        self._guard_counts.clear()

    async def attempts(self, conn: Conn, only: Sequence[int] | None = None) -> dict[int, Attempt]:
        """The newest attempt of each base roster, or of those among the named."""
        stored = await coverage.last_attempts(conn, self._platform, self._vantage, only)
        found = {
            roster_id: Attempt(last.slot, last.attempt, last.observed_at, last.outcome)
            for roster_id, last in stored.items()
        }
        for roster_id, inherited in self._inherited.items():
            if (last := found.get(roster_id)) is None or last.slot < inherited.slot:
                found[roster_id] = inherited
        return found

    def size(self, place: str) -> int:
        """How many watched accounts one request to a place takes."""
        return self._batch_size - self._guards(place)

    def canaries_of(self, roster: Roster) -> list[CanaryExpectation]:
        return [self._canaries[c] for c in roster.canary_ids if c in self._canaries]

    def canaries_at(self, place: str) -> Sequence[CanaryExpectation]:
        """All control accounts of a place."""
        return self._places.get(place, ())

    async def out_of_turn(
        self, pool: Pool, place: str, ids: Sequence[AccountId], turn: int, why: WhyRead, now: datetime
    ) -> Roster:
        """A roster beside those of the sweep. Another `turn` takes other control accounts."""
        chosen = self._choose(place, turn)[: self._batch_size - len(ids)]
        key = tuple(ids), chosen, why
        roster = self._out_of_turn.get(key)
        if roster is None:
            async with transaction(pool) as conn:
                roster = await rosters.get_or_make(
                    conn,
                    self._platform,
                    ids,
                    chosen,
                    now,
                    base=False,
                    vantage=self._vantage,
                    place=place,
                    out_of_turn=why,
                )
            self._out_of_turn[key] = roster
        return roster

    def by_place(self, accounts: Iterable[Account]) -> list[tuple[str, tuple[AccountId, ...]]]:
        """Accounts packed into requests, each with the place that it goes to."""
        groups: dict[str, list[Account]] = {}
        for account in accounts:
            groups.setdefault(self._place_of(account.native_id), []).append(account)
        return [(place, ids) for place, group in groups.items() for ids in pack(group, self.size(place))]

    def _is_guarded(self, roster: Roster) -> bool:
        """Whether it has as many control accounts as there should be, all of them still relied on."""
        enough = len(roster.canary_ids) == self._guards(roster.place)
        return enough and all(c in self._canaries for c in roster.canary_ids)

    def _guards(self, place: str) -> int:
        """How many control accounts each request to a place has."""
        if place not in self._guard_counts:
            self._guard_counts[place] = len(self._choose(place, 0))
        return self._guard_counts[place]

    def _choose(self, place: str, turn: int) -> tuple[AccountId, ...]:
        here = self._places.get(place, [])
        sound = [c for c in here if not c.doubted]
        if not any(not c.expected.is_blocked for c in sound):
            sound = here
        blocked = [c.account.account_id for c in sound if c.expected.is_blocked]
        stable = [c.account.account_id for c in sound if not c.expected.is_blocked]
        return choose_canaries(stable, blocked, self._canaries_per_request, turn)


def _shared(account_ids: Iterable[AccountId], watched: Mapping[AccountId, Account]) -> tuple[AccountId, ...]:
    """The same ids, of watched accounts the very objects that `watched` holds: 32 bytes less for each."""
    return tuple(watched[a].account_id if a in watched else a for a in account_ids)
