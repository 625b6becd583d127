"""What is told as known at a moment is what was shown at that moment, byte for byte, whatever came in later.

A rehearsal is played over real sockets. While it runs, another machine's answers come in late, and somebody
else's record is imported in parts. The live view is kept at many moments, and asked for again at the end.

Guards `storage/health`, `storage/live`, `storage/replay` and `storage/imports`.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.simulator.history import History
from collectors.simulator.history_files import load_history
from collectors.x.declaration import X
from jobs.collect.monitor import MonitorCounts
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.messages.compose import Letterhead
from jobs.rehearsal.driver import Scripted
from jobs.rehearsal.pipeline import (
    Mailing,
    SimulationPlan,
    enlist,
    perform,
    simulated_canaries,
    simulated_hosts,
)
from jobs.rehearsal.scoring import StatusTimeline, shown
from jobs.rehearsal.simulators import played, spawn
from jobs.status.report import stand_json
from storage.health.status import StatusReport, overview
from storage.health.status_at import status_at
from storage.imports.imports import import_history, told_before
from storage.live.snapshot import LiveChange, LiveSpell, changes, spells
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.imported_records import (
    ImportedAccount,
    ImportedHistory,
    Observation,
    changes_told,
)
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.support.pipelines.late_batches import deliver
from tests.support.pipelines.monitor import again
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, write_history
from tests.support.seeds.changes import account

DAYS = 2
END = T0 + timedelta(days=DAYS)
EVERY = timedelta(minutes=20)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
MOMENTS = 200
LEFT_OUT = 0.2
"""The share of all moments at which nobody looks."""
RECORD = "archive"


async def view(conn: Conn, since: datetime, at: datetime, known_at: datetime | None = None) -> bytes:
    """All that the live view tells of the accounts: as a whole, in a window that begins at `since`, and in
    counts at `at`.
    """
    ids = [r["change_id"] for r in await conn.fetch("select change_id from change")]
    told: Sequence[Sequence[object]] = (
        await spells(conn, None, None, known_at),
        await spells(conn, since, None, known_at),
        await changes(conn, since, (), known_at),
        await changes(conn, None, ids, known_at),
    )
    if known_at is None:
        stand: StatusReport = await overview(conn, at, EVERY)
    else:
        stand = await status_at(conn, at, known_at, EVERY)
    return json.dumps([told, stand_json(stand)], default=_written).encode()


def _written(value: object) -> object:
    if isinstance(value, LiveSpell | LiveChange | State):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    assert isinstance(value, frozenset)
    return sorted(map(str, value))  # pyright: ignore[reportUnknownArgumentType]  # flags


@dataclass
class Keeper:
    """Keeps views while a rehearsal runs."""

    pool: Pool
    chance: random.Random
    played_to: datetime | None = None
    kept: list[tuple[datetime, datetime, bytes]] = field(
        default_factory=list[tuple[datetime, datetime, bytes]]
    )
    """When it was looked, since when the window was, what was shown."""

    def after(self, at: datetime, _: MonitorCounts) -> None:
        self.played_to = at

    async def before(self, _: datetime) -> None:
        if self.played_to is None or self.chance.random() < LEFT_OUT:
            return
        since = self.played_to - self.chance.choice((1, 20, 300)) * MINUTE
        async with transaction(self.pool) as conn:
            # Of one account, what is recorded within one moment counts as known a microsecond later.
            newest = await conn.fetchval(
                """
                select greatest(
                    $1,
                    (select max(recorded_at) from change),
                    (select max(decided_at) from change_outcome),
                    (select max(recorded_at) from pending_step),
                    (select max(greatest(lower(recorded), upper(recorded))) from spell)
                )
                """,
                self.played_to,
            )
            self.kept.append((newest, since, await view(conn, since, newest)))


@dataclass(frozen=True)
class LateData:
    """Answers of another machine, and somebody else's record of the same accounts."""

    pool: Pool
    lines: Mapping[tuple[Platform, str], StatusTimeline]
    chance: random.Random

    def script(self) -> list[Scripted]:
        late = [Scripted(T0 + n * 25 * MINUTE, self.answer) for n in range(2, DAYS * 57)]
        late += [Scripted(T0 + n * 31 * MINUTE, self.contrary_answer) for n in range(2, DAYS * 46)]
        parts = [
            Scripted(T0 + timedelta(hours=hours), self.record)
            for hours in (7, 21, 22, 40)
            if hours < DAYS * 24
        ]
        return [*late, *parts]

    async def answer(self, now: datetime) -> None:
        """What another machine read up to ten hours ago, of a few accounts. Not all of it is true."""
        at = now - self.chance.randrange(30, self.chance.choice((600, 6_000, 36_000))) * SECOND
        platform = self.chance.choice(sorted({p for p, _ in self.lines}))
        asked = self.chance.sample(sorted(i for p, i in self.lines if p is platform), 6)
        await self.deliver(platform, {i: self.seen(platform, i, at, lies=0.2) for i in asked}, at, now)

    async def contrary_answer(self, now: datetime) -> None:
        """What it read around the first reading of a change: the new state before, or the old one after."""
        async with transaction(self.pool) as conn:
            rows = await conn.fetch(
                """
                select a.platform, a.native_id, c.first_seen_new, c.old_status, c.old_withheld_in, c.status,
                    c.withheld_in
                from standing_change c join account a on a.account_id = c.account_id and a.platform = c.source
                where c.first_seen_new between $1::timestamptz - interval '5 hours' and $1 - interval '31 s'
                    and c.old_status is not null and a.native_id = any($2::text[])
                order by a.native_id, c.first_seen_new, c.change_key
                """,
                now,
                [i for _, i in self.lines],
            )
        if not rows:
            return
        r = self.chance.choice(rows)
        is_before = self.chance.random() < 0.5
        status, countries = ("status", "withheld_in") if is_before else ("old_status", "old_withheld_in")
        state = State(Status(r[status]), tuple(r[countries]))
        at = r["first_seen_new"] + (-90 if is_before else 30) * SECOND
        await self.deliver(Platform(r["platform"]), {r["native_id"]: state}, at, now)

    async def deliver(
        self, platform: Platform, looks: Mapping[str, State], at: datetime, now: datetime
    ) -> None:
        async with transaction(self.pool) as conn:
            shown = [(await account(conn, platform, i), state) for i, state in looks.items()]
        await deliver(self.pool, shown, at, now)

    async def record(self, now: datetime) -> None:
        """A part of the record: each account on it at some times, on any of which it may be wrong."""
        for platform in Platform:
            async with transaction(self.pool) as conn:
                ids = sorted(i for p, i in self.lines if p is platform)[:6]
                before = await told_before(conn, RECORD, platform, ids)
                new = [
                    change
                    for i in ids
                    for change in changes_told(i, self.looks(platform, i, now), before.get(i, ()))
                ]
                names = tuple(ImportedAccount(i, i) for i in ids)
                whole = ImportedHistory(RECORD, None, platform, names, tuple(new), ())
                await import_history(conn, whole, now)

    def looks(self, platform: Platform, native_id: str, now: datetime) -> list[Observation]:
        times = {
            now - self.chance.randrange(1, 40_000) * timedelta(seconds=1, microseconds=1) for _ in range(4)
        }
        return [Observation(at, self.seen(platform, native_id, at, lies=0.1), None) for at in sorted(times)]

    def seen(self, platform: Platform, native_id: str, at: datetime, *, lies: float) -> State:
        if self.chance.random() < lies:
            return self.chance.choice((AVAILABLE, SUSPENDED, NOT_FOUND, WITHHELD_IN))
        return self.lines[platform, native_id].at(at)


async def rehearse(dsn: str, path: Path, told: History, keeper: Keeper, late: LateData) -> None:
    async def prepare(pool: Pool, now: datetime) -> None:
        await enlist(pool, told.accounts, now)

    with SmtpServer(Inbox()) as smtp:
        async with spawn(path, platform="all") as simulators:
            await perform(
                dsn,
                simulators,
                Mailing(smtp.host, smtp.port, AlertRule(recipients=("desk@example.org",)), Letterhead()),
                SimulationPlan(T0, END, EVERY),
                canaries=simulated_canaries(told),
                prepare=prepare,
                hosts=simulated_hosts(told.accounts),
                script=late.script(),
                before=keeper.before,
                after=keeper.after,
            )


@pytest.mark.long
async def test_what_was_known_at_a_moment_is_what_was_shown_at_that_moment(dsn: str, tmp_path: Path) -> None:
    path = write_history(tmp_path / "history.csv", accounts=15, days=DAYS)
    everybody = played(load_history(path), "all").accounts
    # Here no digest reports a change that a late reading replaced. Such a digest differs (MailCause.LATE).
    told = History(tuple(a for a in everybody if a.platform in {BLUESKY, MASTODON, X}))
    lines = {(a.platform, a.native_id): shown(a) for a in told.accounts}
    async with open_pool(dsn, max_size=3) as pool:
        keeper = Keeper(pool, random.Random(2003))
        await rehearse(dsn, path, told, keeper, LateData(pool, lines, random.Random(2005)))
        async with transaction(pool) as conn:
            for moment, since, bytes_shown in keeper.kept:
                assert await view(conn, since, moment, moment) == bytes_shown, f"as known at {moment}"
            corrected, imported = await conn.fetchrow(
                """
                select count(*) filter (where source not like 'import:%'),
                    count(*) filter (where source like 'import:%')
                from change where supersedes is not null
                """
            ) or (0, 0)
            reasons = await conn.fetch("select distinct reason from change_outcome")
        for since, until in ((T0, END), (T0 + 0.3 * (END - T0), T0 + 0.6 * (END - T0))):
            found = await again(pool, since, until)
            assert found.compared.differences == (), "decided again, late or not, it is told as it is stored"
            assert found.mails.differences == (), "and so are the mails"
            assert found.mails.decisions_otherwise == 0
    assert len(keeper.kept) >= MOMENTS
    assert len({bytes_shown for _, _, bytes_shown in keeper.kept}) > MOMENTS * 0.9
    assert corrected > 10 * DAYS, "answers that came in late corrected what was told before"
    assert imported > 0, "so did a later part of the record"
    assert {r["reason"] for r in reasons} >= {"corrected", "went_back", "moved_on", "imported"}
