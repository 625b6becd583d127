"""How everything stands, as `blockline status` tells it: what is blocked, how well it is read, what waits."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage.countries.countries import CountryCount, by_country
from storage.health.collectors_report import CollectorReport, collector_reports
from storage.health.conditions import open_conditions
from storage.health.workers_report import WorkersReport, machines
from storage.model.alerts.conditions import KnownCondition
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, MissedReason, State, Status
from storage.model.core.late import late_after
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived
from storage.work.daily_cost_limit import StoredDailyBill, bills


@dataclass(frozen=True, slots=True)
class PlatformStateCount:
    """Watched accounts of one platform in one confirmed state; None for those with nothing confirmed yet."""

    platform: Platform
    state: State | None
    accounts: int
    late: int
    """Those of them without a conclusive answer in the last two sweeps: of these nothing is known now."""
    or_deleted: bool = False
    """Suspended by their server or deleted by their owner, which look alike: not counted as blocked."""
    posts: int = 0
    """How many of `accounts` are posts."""
    late_posts: int = 0
    """How many of `late` are posts."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What became of the requests of the last 24 hours, from the installation's own connection."""

    answered: int
    held: int
    missed: dict[MissedReason, int]
    last_answer_at: datetime | None
    """Of the regular sweep, at any time. None: nothing was ever read here; an import does not count."""


@dataclass(frozen=True, slots=True)
class MailCount:
    queued: int
    dead: int
    sent: int


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How the watched accounts stand at one moment. Control accounts are not counted."""

    at: datetime
    late_after: timedelta
    states: tuple[PlatformStateCount, ...]
    provisional: int
    """Changes that still need readings."""
    changes: dict[ChangeKind, int]
    """Confirmed ones first seen in the last 24 hours, first states left out."""
    requests: Requests

    @property
    def watched(self) -> int:
        return sum(s.accounts for s in self.states)

    @property
    def watched_posts(self) -> int:
        """How many of the watched accounts are posts."""
        return sum(s.posts for s in self.states)

    @property
    def late(self) -> int:
        return sum(s.late for s in self.states)

    @property
    def late_share(self) -> float | None:
        """None when nothing is watched: nobody is on time then either."""
        return self.late / self.watched if self.watched else None

    @property
    def unconfirmed(self) -> int:
        """Watched accounts of which no state is confirmed yet: they may be blocked or not."""
        return sum(s.accounts for s in self.states if s.state is None)

    def standing(self, *statuses: Status) -> int | None:
        """Watched accounts in one of these states that were read in the last two sweeps.

        None when of no account a state is confirmed and was read in that time: the number is not known.
        """
        if not any(s.accounts > s.late for s in self.states if s.state is not None):
            return None
        return sum(s.accounts - s.late for s in self._in(statuses))

    def last_known(self, *statuses: Status) -> int:
        """Watched accounts that were in one of these states when last read, which was earlier."""
        return sum(s.late for s in self._in(statuses))

    def _in(self, statuses: tuple[Status, ...]) -> list[PlatformStateCount]:
        return [s for s in self.states if s.state and s.state.status in statuses and not s.or_deleted]


@dataclass(frozen=True, slots=True)
class Overview(StatusReport):
    """Everything as it is now."""

    detectors: tuple[CollectorReport, ...]
    conditions: tuple[KnownCondition, ...]
    """Troubles of the monitor itself that are not over."""
    bills: tuple[StoredDailyBill, ...]
    """Where there is a ceiling on what reading costs."""
    mails: MailCount
    alerts_undecided: int
    """Confirmed changes about which it is not decided yet whether they go into a mail."""
    machines: WorkersReport
    countries: tuple[CountryCount, ...]
    """Over every account on file, watched or imported."""


async def overview(conn: Conn, now: datetime, sweep_every: timedelta) -> Overview:
    """Count everything at `now`. Late is an account whose last conclusive answer is older than two sweeps."""
    stand = await standing(conn, now, sweep_every)
    return replace(stand, countries=tuple(await by_country(conn)))


async def standing(conn: Conn, now: datetime, sweep_every: timedelta) -> Overview:
    """The same without the countries, which take longer to count than all the rest."""
    unread_for = late_after(sweep_every)
    return Overview(
        at=now,
        late_after=unread_for,
        states=await _states(conn, now, now - unread_for),
        provisional=await conn.fetchval(
            "select count(*) from pending_change join change using (change_id) where kind <> 'baseline'"
        ),
        changes=await _changes(conn, now),
        requests=await _requests(conn, now),
        detectors=tuple(await collector_reports(conn, now)),
        conditions=tuple(await open_conditions(conn)),
        bills=tuple(await bills(conn, now)),
        mails=await _mails(conn),
        alerts_undecided=await conn.fetchval(
            """
            select count(*) from alert where decided_at is null
                and not exists (select from alert_decision d where d.alert_id = alert.alert_id)
            """
        ),
        machines=await machines(conn, now),
        countries=(),
    )


async def _states(conn: Conn, now: datetime, read_after: datetime) -> tuple[PlatformStateCount, ...]:
    """The most frequent first."""
    await with_archived(conn, read_after, now)
    rows = await conn.fetch(
        """
        with read as (
            select distinct account_id from answers_between($2, $1)
        )
        select a.platform, s.status, s.withheld_in,
            coalesce('suspended_or_deleted' = any(c.flags) and not s.before_change, false) as or_deleted,
            count(*) as accounts,
            count(*) filter (where read.account_id is null) as late,
            count(*) filter (where a.is_post) as posts,
            count(*) filter (where a.is_post and read.account_id is null) as late_posts
        from ordinary_accounts() a
        left join spells_now() s on s.account_id = a.account_id
        left join change c on c.change_id = s.change_id
        left join read on read.account_id = a.account_id
        where a.watched
        group by 1, 2, 3, 4
        order by count(*) desc, a.platform, s.status, s.withheld_in, or_deleted
        """,
        now,
        read_after,
    )
    return tuple(
        PlatformStateCount(
            Platform(r["platform"]),
            None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
            r["accounts"],
            r["late"],
            r["or_deleted"],
            r["posts"],
            r["late_posts"],
        )
        for r in rows
    )


async def _changes(conn: Conn, now: datetime) -> dict[ChangeKind, int]:
    rows = await conn.fetch(
        """
        select c.kind, count(*) as n from standing_change c join change_outcome o using (change_id)
        where o.outcome = 'confirmed' and c.kind <> 'baseline'
            and c.first_seen_new > $1::timestamptz - interval '24 hours' and c.first_seen_new <= $1
        group by c.kind
        """,
        now,
    )
    counted = {ChangeKind(r["kind"]): r["n"] for r in rows}
    return {kind: counted.get(kind, 0) for kind in ChangeKind if kind is not ChangeKind.BASELINE}


async def _requests(conn: Conn, now: datetime) -> Requests:
    await with_archived(conn, now - timedelta(days=1), now)
    rows = await conn.fetch(
        """
        select c.outcome, coalesce(c.missed_reason, 'unclassified') as reason, count(*) as n
        from coverage c join roster r using (roster_id)
        where c.observed_at > $1::timestamptz - interval '24 hours' and c.observed_at <= $1 and r.vantage = ''
        group by 1, 2 order by 1, 2
        """,
        now,
    )
    last = await conn.fetchval(
        """
        select max(c.observed_at) from roster r cross join lateral (
            select observed_at from coverage c
            where c.roster_id = r.roster_id and c.outcome = 0 order by observed_at desc limit 1
        ) c
        where r.base and r.vantage = ''
        """
    )
    return Requests(
        answered=sum(r["n"] for r in rows if r["outcome"] == 0),
        held=sum(r["n"] for r in rows if r["outcome"] == 2),
        missed={MissedReason(r["reason"]): r["n"] for r in rows if r["outcome"] == 1},
        last_answer_at=last,
    )


async def _mails(conn: Conn) -> MailCount:
    rows = await conn.fetch("select state, count(*) as n from mail group by state")
    counted = {r["state"]: r["n"] for r in rows}
    return MailCount(counted.get("queued", 0), counted.get("dead", 0), counted.get("sent", 0))


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """What a Postgres server says of itself."""

    version: str
    major: int
    at: datetime
    """Its clock."""


async def server(conn: Conn) -> DatabaseServer:
    row = await conn.fetchrow(
        """
        select current_setting('server_version') as version,
            current_setting('server_version_num')::int / 10000 as major, clock_timestamp() as at
        """
    )
    assert row is not None  # noqa: S101 - a query without a table has one row
    return DatabaseServer(row["version"], row["major"], row["at"])
