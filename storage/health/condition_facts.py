"""What the monitor's own troubles are decided from: collectors, coverage, machines, and mails that wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asyncpg import Record

from storage.alerts.mail_queue import first_in_line
from storage.alerts.rules import unreadable_rules
from storage.countries.label_census import LabelerStatus, labelers
from storage.countries.measured_networks import NetworkReads, network_reads
from storage.health.collectors_report import CollectorReport, collector_reports
from storage.health.workers_report import WorkersReport, machines
from storage.model.alerts.conditions import UnreadableRule
from storage.model.core.accounts import Platform
from storage.model.core.late import late_after
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as a trouble, and how often operators hear of it."""

    sweep_every: timedelta
    quarantined_for: timedelta = timedelta(hours=1)
    untried_for: timedelta = timedelta(minutes=15)
    refused_for: timedelta = timedelta(hours=1)
    given_up_within: timedelta = timedelta(hours=24)
    notify_after: timedelta = timedelta(minutes=2)
    """A trouble that is over sooner is never told."""
    mail_every: timedelta = timedelta(minutes=30)
    """No two mails to an operator come closer; what happens meanwhile is gathered."""
    remind_every: timedelta = timedelta(hours=24)

    @property
    def late_after(self) -> timedelta:
        """An account without a conclusive answer for so long is late; a platform without any is blind."""
        return late_after(self.sweep_every)


@dataclass(frozen=True, slots=True)
class RetiredControls:
    """Control accounts that the settings name and that are not asked any more, of one place."""

    platform: Platform
    place: str
    handles: tuple[str, ...]
    since: datetime
    """When the first of them was retired."""


@dataclass(frozen=True, slots=True)
class PlatformCoverage:
    """How well a platform is read from the installation's own connection. Control accounts do not count."""

    platform: Platform
    watched: int
    """Accounts on the watch. There may be none where only executives are read."""
    heard: int
    """Those of them that gave a conclusive answer in the time that is looked at."""
    due: int
    """Those of them that were there already when that time began."""
    due_heard: int
    first_due_at: datetime | None
    """When the first of the due ones was added."""
    last_answer_at: datetime | None
    """The newest conclusive answer of the sweep. It is only looked for where `heard` is 0."""
    due_posts: int = 0
    """Those of the due ones that are posts."""

    @property
    def due_targets(self) -> TargetCount:
        """The due ones by kind."""
        return TargetCount(self.due - self.due_posts, self.due_posts)


@dataclass(frozen=True, slots=True)
class UndeliveredMails:
    """Some mails that did not reach anybody; with none of them there is no time either."""

    count: int = 0
    since: datetime | None = None
    error: str | None = None
    """What was said about one of them."""


@dataclass(frozen=True, slots=True)
class MailFacts:
    """The mails that did not reach anybody."""

    untold: UndeliveredMails = UndeliveredMails()
    """Alerts whose time has come and of which no mail was written; since the first of them was recorded."""
    untried: UndeliveredMails = UndeliveredMails()
    """Queued ones whose time has come and which nobody tries; since the first of these times."""
    refused: UndeliveredMails = UndeliveredMails()
    """Queued ones that are not taken, for long, be it that others to the same server were; since the first of
    them was written.
    """
    given_up: UndeliveredMails = UndeliveredMails()
    """Those of the last day; since that of the first of them was noticed."""


@dataclass(frozen=True, slots=True)
class ConditionFacts:
    """What conditions are decided from."""

    at: datetime
    sources: tuple[CollectorReport, ...]
    coverage: tuple[PlatformCoverage, ...]
    mails: MailFacts
    unreadable: tuple[UnreadableRule, ...]
    """The enabled ones."""
    machines: WorkersReport
    retired: tuple[RetiredControls, ...] = ()
    labelers: tuple[LabelerStatus, ...] = ()
    networks: Mapping[str, NetworkReads] = field(default_factory=dict[str, NetworkReads])
    """By country."""


async def condition_facts(conn: Conn, now: datetime, thresholds: Thresholds) -> ConditionFacts:
    return ConditionFacts(
        at=now,
        sources=tuple(await collector_reports(conn, now)),
        coverage=tuple(await platform_coverage(conn, now, now - thresholds.late_after)),
        mails=await mail_facts(conn, now, thresholds),
        unreadable=tuple(await unreadable_rules(conn)),
        machines=await machines(conn, now),
        retired=tuple(await _retired(conn)),
        labelers=tuple(await labelers(conn)),
        networks=await network_reads(conn),
    )


async def mail_facts(conn: Conn, now: datetime, thresholds: Thresholds) -> MailFacts:
    untried_before = now - thresholds.untried_for
    return MailFacts(
        untold=await _untold(conn, untried_before),
        untried=await _untried(conn, untried_before),
        refused=await _refused(conn, untried_before, now - thresholds.refused_for),
        given_up=await _given_up(conn, now - thresholds.given_up_within),
    )


async def platform_coverage(conn: Conn, now: datetime, read_since: datetime) -> list[PlatformCoverage]:
    """Of every platform with watched accounts or executives: heard is who gave a conclusive answer since
    `read_since`, due who was added before that.
    """
    await with_archived(conn, read_since, now)
    rows = await conn.fetch(
        """
        with heard as (
            select distinct m.account_id
            from coverage c join roster r using (roster_id)
            cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            where c.outcome = 0 and c.observed_at >= $2 and c.observed_at <= $1 and r.vantage = ''
                and answered_at(c.answered, m.position)
        )
        select a.platform, count(*) filter (where a.watched) as watched,
            count(h.account_id) filter (where a.watched) as heard,
            count(*) filter (where a.watched and a.added_at < $2) as due,
            count(*) filter (where a.watched and a.added_at < $2 and a.is_post) as due_posts,
            count(h.account_id) filter (where a.watched and a.added_at < $2) as due_heard,
            min(a.added_at) filter (where a.watched and a.added_at < $2) as first_due_at
        from ordinary_accounts() a left join heard h using (account_id)
        where a.watched or exists (select from executive e where e.account_id = a.account_id)
        group by a.platform order by a.platform
        """,
        now,
        read_since,
    )
    unheard = [r["platform"] for r in rows if not r["heard"]]
    last = await _last_answers(conn, unheard) if unheard else {}
    return [
        PlatformCoverage(
            platform=Platform(r["platform"]),
            watched=r["watched"],
            heard=r["heard"],
            due=r["due"],
            due_heard=r["due_heard"],
            first_due_at=r["first_due_at"],
            last_answer_at=last.get(r["platform"]),
            due_posts=r["due_posts"],
        )
        for r in rows
    ]


async def _last_answers(conn: Conn, platforms: Sequence[str]) -> dict[str, datetime]:
    """When anybody in the sweep of a platform last gave a conclusive answer, rosters of before included."""
    rows = await conn.fetch(
        """
        select r.platform, max(c.observed_at) as at
        from roster r
        cross join lateral (
            select observed_at from coverage
            where roster_id = r.roster_id and outcome = 0 and (answered is null or bit_count(answered) > 0)
            order by observed_at desc limit 1
        ) c
        where r.platform = any($1::text[]) and r.base and r.vantage = ''
        group by r.platform
        """,
        platforms,
    )
    return {r["platform"]: r["at"] for r in rows}


async def _untold(conn: Conn, before: datetime) -> UndeliveredMails:
    row = await conn.fetchrow(
        """
        select count(*) as count, min(a.created_at) as since, null::text as error
        from alert a
        where a.decided_at is null and a.created_at < $1 and not exists (
            select from alert_decision d
            where d.alert_id = a.alert_id and d.decided_at is null and d.until >= $1
        )
        """,
        before,
    )
    return _mails(row)


async def _untried(conn: Conn, before: datetime) -> UndeliveredMails:
    row = await conn.fetchrow(
        """
        select count(*) as count, min(next_attempt_at) as since,
            (array_agg(last_error order by next_attempt_at, mail_id))[1] as error
        from mail where state = 'queued' and next_attempt_at < $1 and mail_id = any($2::bigint[])
        """,
        before,
        await first_in_line(conn),
    )
    return _mails(row)


async def _refused(conn: Conn, untried_before: datetime, written_before: datetime) -> UndeliveredMails:
    row = await conn.fetchrow(
        """
        select count(*) as count, min(created_at) as since,
            (array_agg(last_error order by created_at, mail_id))[1] as error
        from mail
        where state = 'queued' and next_attempt_at >= $1 and last_error is not null and created_at < $2
        """,
        untried_before,
        written_before,
    )
    return _mails(row)


async def _given_up(conn: Conn, given_up_after: datetime) -> UndeliveredMails:
    row = await conn.fetchrow(
        """
        select count(*) as count, min(given_up_seen_at) as since,
            (array_agg(last_error order by given_up_seen_at desc, mail_id desc))[1] as error
        from mail where state = 'dead' and given_up_seen_at > $1
        """,
        given_up_after,
    )
    return _mails(row)


async def _retired(conn: Conn) -> list[RetiredControls]:
    rows = await conn.fetch(
        """
        select a.platform, c.place, array_agg(a.handle order by a.handle) as handles,
            min(c.retired_at) as since
        from canary c join account a using (account_id)
        where c.origin = 'settings' and c.retired_at is not null
        group by a.platform, c.place order by a.platform, c.place
        """
    )
    return [
        RetiredControls(Platform(r["platform"]), r["place"], tuple(r["handles"]), r["since"]) for r in rows
    ]


def _mails(row: Record | None) -> UndeliveredMails:
    return UndeliveredMails() if row is None else UndeliveredMails(row["count"], row["since"], row["error"])
