"""What the monitor's own troubles are decided from: collectors, coverage, machines, and mails that wait."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from asyncpg import Record

from storage.alerts.mail_queue import first_in_line
from storage.alerts.rules import unreadable_rules
from storage.health.collectors_report import collector_reports
from storage.health.workers_report import SHOWN_FOR
from storage.model.alerts.conditions import (
    CollectorStatus,
    ConditionFacts,
    HeldRequests,
    PlannedBy,
    PlatformCoverage,
    RefusedAlone,
    RetiredControls,
    UndeliveredMails,
    Untaken,
    WrongClock,
)
from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_parts
from storage.postgres.pool import Conn
from storage.work import request_queue
from storage.work.workers import HEARD_WITHIN, Worker, WorkerStatus, heard_of, platform_leaders


async def facts(
    conn: Conn,
    now: datetime,
    read_since: datetime,
    untried_before: datetime,
    written_before: datetime,
    given_up_after: datetime,
    untaken_before: datetime,
) -> ConditionFacts:
    """At `now`: heard is who gave a conclusive answer since `read_since`, due who was added before that.

    Untold is an alert that was to be told before `untried_before`, untried a queued mail that was to be tried
    before then; refused one that was written before `written_before` and not taken, be it that others to the
    same server were not; given up what was noticed to be so after `given_up_after`; untaken a request that
    any machine could have taken before `untaken_before`.
    """
    sources = [
        CollectorStatus(
            platform=d.platform,
            place=d.place,
            vantage=d.vantage,
            healthy=d.healthy,
            reason=d.reason,
            detail=d.detail,
            since=d.since,
            held_since=d.held_since,
            last_answered_at=d.last_answered_at,
            doubted=d.doubted,
        )
        for d in await collector_reports(conn, now)
    ]
    heard = await heard_of(conn, now - SHOWN_FOR)
    return ConditionFacts(
        sources=tuple(sources),
        coverage=tuple(await _coverage(conn, now, read_since)),
        untold=await _untold(conn, untried_before),
        untried=await _untried(conn, untried_before),
        refused=await _refused(conn, untried_before, written_before),
        given_up=await _given_up(conn, given_up_after),
        unreadable=tuple(await unreadable_rules(conn)),
        clocks=tuple(WrongClock(w.name, w.clock_off, w.heard_at) for w in heard if not w.is_on_time),
        refused_alone=tuple(_refused_alone(heard, now)),
        planned=tuple(PlannedBy(on, p.name, p.heard_at) for on, p in (await platform_leaders(conn)).items()),
        held=await _held(conn, now),
        untaken=tuple(await _untaken(conn, now, untaken_before)),
        retired=tuple(await _retired(conn)),
    )


async def _coverage(conn: Conn, now: datetime, read_since: datetime) -> list[PlatformCoverage]:
    """Of every platform with watched accounts or executives."""
    rows = await conn.fetch(
        """
        with heard as (
            select distinct m.account_id
            from coverage c join roster r using (roster_id)
            cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            where c.outcome = 0 and c.observed_at >= $2 and c.observed_at <= $1 and r.vantage = ''
                and (c.answered is null or get_bit(c.answered, m.position::int - 1) = 1)
        )
        select a.platform, count(*) filter (where a.watched) as watched,
            count(h.account_id) filter (where a.watched) as heard,
            count(*) filter (where a.watched and a.added_at < $2) as due,
            count(h.account_id) filter (where a.watched and a.added_at < $2) as due_heard,
            min(a.added_at) filter (where a.watched and a.added_at < $2) as first_due_at
        from account a left join heard h using (account_id)
        where (a.watched or exists (select from executive e where e.account_id = a.account_id))
            and not exists (select from canary c where c.account_id = a.account_id)
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


def _refused_alone(heard: Iterable[Worker], now: datetime) -> list[RefusedAlone]:
    """A pause that ended just now counts: its worker may be about to be refused again."""
    out: list[RefusedAlone] = []
    for worker in heard:
        for source, pause in worker.paused.items():
            with suppress(ValueError):  # a source of another version
                platform, vantage = source_parts(source)
                if pause.until > now - SHOWN_FOR:
                    told = (worker.name, platform, vantage, pause.reason, pause.detail)
                    out.append(RefusedAlone(*told, worker.heard_at))
    return out


async def _held(conn: Conn, now: datetime) -> HeldRequests:
    count = sum(line.held for line in await request_queue.lines(conn, now))
    oldest = await request_queue.held_jobs(conn, 1)
    return HeldRequests(count, oldest[0].since, oldest[0].said) if oldest else HeldRequests()


async def _untaken(conn: Conn, now: datetime, before: datetime) -> list[Untaken]:
    found = await request_queue.untaken(conn, before)
    if not found:
        return []
    planned = await platform_leaders(conn)
    heard = await heard_of(conn, now - HEARD_WITHIN)
    out: list[Untaken] = []
    for source, count, since in found:
        try:
            platform, vantage = source_parts(source)
        except ValueError:  # put there by another version
            continue
        does = [w.status_for(source, now) for w in heard if source in w.sources]
        takers = does.count(WorkerStatus.READS)
        out.append(Untaken(platform, vantage, count, since, platform in planned, len(does), takers))
    return out


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
