"""Control accounts: choosing, doubting and retiring them.

An outage makes all control accounts look wrong at once. If one control account repeatedly looks wrong while
the others look right, its status has really changed. Such a control account is retired, because it would
cause every later answer to be quarantined.

The control accounts belong to the platform and are the same for all its shards. Each shard chooses them for
places where there are too few, because another shard may have no account there. Each shard asks them alone
when one of its own answers was quarantined, or while one is in doubt. So two shards ask twice as often in an
outage: each believes its own answers again only after they looked right to itself. It takes up within seconds
what another shard chose, doubted or retired (`jobs.collect.monitor.Monitor.follow_others`). The doubts of all
shards count together. An account is still doubted for `_DOUBTED_FOR` before it is retired.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from collectors.core.collector import CanaryCandidate, Collector, CollectorAnswer
from jobs.base.clock import Clock
from jobs.detect.judge import NO_ANSWER, NO_OUTAGE_AFTER, CanaryExpectation
from jobs.planning.rosters import RosterBook
from storage.accounts import canaries
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Reading, Status
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_STABLE_WANTED = 2
_SUSPENDED_WANTED = 1
_SUSPENDED_LOOKED_AT = 500
_LOOK_FOR_MORE_EVERY = timedelta(days=1)
_PLACES_AT_ONCE = 8
_BETWEEN_TURNS = timedelta(seconds=1)
_LOOK_AROUND_EVERY = timedelta(minutes=10)
_INQUIRE_EVERY = timedelta(minutes=5)
_DOUBTS_TO_RETIRE = 3
_DOUBTED_FOR = timedelta(hours=1)
_LONG_SUSPENDED = timedelta(days=30)
_AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Vouched:
    """What the last quarantined answer of a place said about the watched accounts. After that answer, the
    control accounts are asked alone, if necessary several times.
    """

    outcome: bool | None
    """Whether the watched accounts looked as before in that answer (`Judged.vouched`)."""
    wrong: set[AccountId] = field(default_factory=set[AccountId])
    """The control accounts that looked wrong when the control accounts were first asked alone. Empty before
    that.
    """

    def of(self, wrong: set[AccountId]) -> bool | None:
        """Return `outcome` if each account of `wrong` also looked wrong at the first call. Otherwise, return
        None. `wrong` holds the control accounts that look wrong now.
        """
        self.wrong = self.wrong or wrong
        return self.outcome if wrong <= self.wrong else None


class ControlAccounts:
    """Maintains the control accounts of one collector. It is a maintenance task
    (`jobs.base.periodic_task.PeriodicTask`): `tick` chooses new control accounts.

    `on_found` is awaited after `tick` chose new ones. `on_found` must add them to the rosters
    (`storage.model.core.coverage.Roster`).
    """

    def __init__(
        self,
        pool: Pool,
        collector: Collector,
        book: RosterBook,
        clock: Clock,
        on_found: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._collector = collector
        self._book = book
        self._clock = clock
        self._on_found = on_found
        self._looked_at: dict[str, datetime] = {}
        self._inquired_at: dict[str, datetime] = {}
        self._vouched: dict[str, _Vouched] = {}
        self._unsure: set[str] = set()
        """Places whose control accounts are in doubt (see `is_unsure`)."""
        self._wrong_since: dict[str, datetime] = {}
        self._due = _AT_ONCE

    async def load(self) -> None:
        """Make `tick` due at once. New places may still need control accounts."""
        self._due = _AT_ONCE

    def next_due(self) -> datetime | None:
        return self._due

    async def tick(self) -> None:
        """Choose control accounts for places that have too few, at most `_PLACES_AT_ONCE` per call."""
        now = self._clock()
        wanting = [place for place in self._book.places if self._is_wanting(place, now)]
        asked = wanting[:_PLACES_AT_ONCE]
        self._due = now + (_BETWEEN_TURNS if len(wanting) > len(asked) else _LOOK_AROUND_EVERY)
        async with asyncio.TaskGroup() as group:
            found = [group.create_task(self._provide(place, now)) for place in asked]
        if any(task.result() for task in found):
            await self._on_found(now)

    def _is_wanting(self, place: str, now: datetime) -> bool:
        looked_at = self._looked_at.get(place)
        if looked_at is not None and now < looked_at + _LOOK_FOR_MORE_EVERY:
            return False
        return sum(not c.expected.is_blocked for c in self._book.canaries_at(place)) < _STABLE_WANTED

    async def _provide(self, place: str, now: datetime) -> bool:
        self._looked_at[place] = now
        here = self._book.canaries_at(place)
        wants_suspended = not any(c.expected.is_blocked for c in here)
        return await self._choose(place, here, now, wants_suspended=wants_suspended)

    def take_up(self, held_since: Mapping[str, datetime]) -> None:
        """Record that the control accounts of these places are in doubt. `held_since` says, for each place,
        since when its answers have been quarantined.

        A process that started after the quarantine began needs this record. It did not ask the control
        accounts itself.
        """
        for place, since in held_since.items():
            self._unsure.add(place)
            self._vouched.setdefault(place, _Vouched(outcome=False))
            self._wrong_since[place] = min(since, self._wrong_since.get(place, since))

    def is_unsure(self, place: str) -> bool:
        """Whether the control accounts of a place are in doubt. True if answers of the place are quarantined,
        or if a control account looked wrong when last asked alone. Otherwise False.
        """
        return place in self._unsure

    async def held(self, place: str, now: datetime, *, vouched: bool | None) -> bool:
        """Ask the control accounts of a place alone, because an answer was quarantined. `vouched` is
        `Judged.vouched`. Return True if a control account was retired; the rosters must then be rebuilt.
        """
        self._vouched[place] = _Vouched(vouched)
        return await self.inquire(place, now)

    async def inquire(self, place: str, now: datetime) -> bool:
        """Ask the control accounts of a place alone. Do nothing if they were asked in the last
        `_INQUIRE_EVERY`. Return True if a control account was retired; the rosters must then be rebuilt.
        """
        here = self._book.canaries_at(place)
        if not here or not self._may_inquire(place, now):
            return False
        self._inquired_at[place] = now
        size = self._collector.batch_size
        asked = sorted(here, key=lambda c: not c.expected.is_blocked)[:size]
        answer = await self._collector.read([c.account.native_id for c in asked], now)
        if answer.trouble is not None:
            return False
        return await self._take_in(place, asked, answer, now)

    def _may_inquire(self, place: str, now: datetime) -> bool:
        inquired_at = self._inquired_at.get(place)
        return inquired_at is None or now >= inquired_at + _INQUIRE_EVERY

    async def review(self, now: datetime) -> bool:
        """Ask the control accounts again in places where some are in doubt. Return True if a control account
        was retired; the rosters must then be rebuilt.
        """
        due = [place for place in self._in_question() if self._may_inquire(place, now)]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self.inquire(place, now)) for place in due[:_PLACES_AT_ONCE]]
        return any(task.result() for task in asked)

    def next_review(self) -> datetime | None:
        """The next time at which `review` asks something. None if no control account is in doubt."""
        return min(
            (
                inquired_at + _INQUIRE_EVERY if (inquired_at := self._inquired_at.get(place)) else _AT_ONCE
                for place in self._in_question()
            ),
            default=None,
        )

    def _in_question(self) -> list[str]:
        return [
            place
            for place in self._book.places
            if (here := self._book.canaries_at(place))
            and (place in self._unsure or any(c.doubted for c in here))
        ]

    async def _take_in(
        self, place: str, asked: Sequence[CanaryExpectation], answer: CollectorAnswer, now: datetime
    ) -> bool:
        looks = {r.native_id: r for r in answer.readings}
        unheard = {m.native_id for m in answer.missed if m.reason in NO_ANSWER}
        wrong = [
            c
            for c in asked
            if c.account.native_id not in unheard and not _looks_right(c, looks.get(c.account.native_id))
        ]
        right = [c for c in asked if _looks_right(c, looks.get(c.account.native_id))]
        right_stable = sum(not c.expected.is_blocked for c in right)
        wrong_stable = sum(not c.expected.is_blocked for c in wrong)
        (self._unsure.add if wrong else self._unsure.discard)(place)
        wrong_for = timedelta(0)
        if not wrong:
            # How an earlier answer looked says nothing about the next one.
            self._wrong_since.pop(place, None)
            self._vouched.pop(place, None)
        else:
            wrong_for = now - self._wrong_since.setdefault(place, now)
            vouched = self._vouched.setdefault(place, _Vouched(None))
            said = vouched.of({c.account.account_id for c in wrong})
            if wrong_for < _patience(said, right_stable, wrong_stable):
                return False  # May be an outage, so no account is doubted.
        retired = False
        async with transaction(self._pool) as conn:
            used = {c.account.account_id for c in await canaries.canaries(conn, self._collector.platform)}
            wrong = [c for c in wrong if c.account.account_id in used]  # another shard may have retired one
            await canaries.trust(conn, [c.account.account_id for c in right if c.doubted])
            for canary in wrong:
                doubts, since = await canaries.doubt(conn, canary.account.account_id, now)
                is_certain = doubts >= _DOUBTS_TO_RETIRE and now - since >= _DOUBTED_FOR
                if is_certain or wrong_for >= NO_OUTAGE_AFTER:
                    await canaries.retire(conn, canary.account.account_id, now)
                    retired = True
                    log.warning(
                        "Control account @%s on %s keeps an unexpected status and is no longer used.",
                        canary.account.handle,
                        canary.account.platform.value,
                        extra={"event": "control_account_retired", "handle": canary.account.handle},
                    )
            await self._book.load_canaries(conn)
        if retired:
            self._wrong_since.pop(place, None)
            self._looked_at.pop(place, None)  # Choose replacements at once.
            self._due = now
        return retired

    async def _choose(
        self, place: str, named: Sequence[CanaryExpectation], now: datetime, *, wants_suspended: bool
    ) -> bool:
        known = {c.account.native_id for c in named}
        offered = [c for c in await self._collector.candidates(place, now) if c.native_id not in known]
        if wants_suspended:
            async with transaction(self._pool) as conn:
                suspended = await canaries.unlisted_suspended(
                    conn, self._collector.platform, now - _LONG_SUSPENDED, _SUSPENDED_LOOKED_AT
                )
            here = [a for a in suspended if self._collector.place(a.native_id) == place]
            offered += [
                CanaryCandidate(a.native_id, a.handle, Status.SUSPENDED)
                for a in here
                if a.native_id not in known
            ][:_SUSPENDED_WANTED]
        if not offered:
            return False
        offered = offered[: self._collector.batch_size]
        answer = await self._collector.read([c.native_id for c in offered], now)
        looks = {r.native_id: r for r in answer.readings}
        sound = [
            replace(c, handle=look.handle or c.handle)
            for c in offered
            if (look := looks.get(c.native_id)) is not None and look.state.status is c.expected
        ]
        if not sound:
            return False
        async with transaction(self._pool) as conn:
            chosen = [(c.native_id, c.handle, c.expected) for c in sound]
            await canaries.choose(conn, self._collector.platform, place, chosen, now)
        return True


def _patience(vouched: bool | None, right_stable: int, wrong_stable: int) -> timedelta:
    """Return how long control accounts must look wrong before they are doubted; zero means at once. `vouched`
    is `Judged.vouched`.
    """
    if vouched is None and right_stable == wrong_stable > 0:
        return _DOUBTED_FOR
    alone = right_stable > wrong_stable if vouched is None else vouched
    return timedelta(0) if alone else NO_OUTAGE_AFTER


def _looks_right(canary: CanaryExpectation, look: Reading | None) -> bool:
    return look is not None and look.state.status is canary.expected
