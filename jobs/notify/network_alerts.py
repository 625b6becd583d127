"""Emails about networks of countries that do not reach a platform for days. Only rules with `networks` send
them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs.base.wording import day, number
from jobs.messages.compose import Letterhead
from jobs.messages.notice import NoticeContent, NoticeItem, notice_draft
from storage.alerts import mutes, network_alerts, outbox, rules
from storage.countries.measured_networks import measured_days, network_reads
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import Match, Mute, RuleId, Severity, StoredRule
from storage.model.core.reachability import (
    MeasuredDay,
    ReachabilityNews,
    ReportedUnreachable,
    by_domain,
    reachability_news,
)
from storage.model.platforms.registry import DECLARED
from storage.model.text.countries import country_name
from storage.postgres.pool import Conn, Pool, StaleState, transaction

_LOOK_BACK = timedelta(days=90)
_SHOWN_DAYS = 7
_NOT_CLAIMED = (
    "These are OONI's counts of tries by volunteers' devices, by day in UTC. An anomaly may be a block, or a "
    "fault of the network or of the site. They do not say who caused it, and nothing about any account."
)


@dataclass(frozen=True, slots=True)
class NetworkNotice:
    """What one rule reports of the networks of one country in one email, at `at`."""

    stored: StoredRule
    country: str
    news: tuple[ReachabilityNews, ...]
    at: datetime


def network_notices(
    measured: Mapping[str, Sequence[MeasuredDay]],
    known: Sequence[StoredRule],
    reported: Mapping[tuple[RuleId, str, str], Sequence[ReportedUnreachable]],
    muted: Collection[Mute],
    now: datetime,
) -> list[NetworkNotice]:
    """Return the notices that are due at `now` or after the quiet hours of their rule, earliest first.
    `measured` has the days of each country.
    """
    if any(mute.is_maintenance for mute in muted):
        return []
    found: list[NetworkNotice] = []
    for stored in known:
        rule = stored.rule
        if not (stored.enabled and rule.networks and rule.recipients):
            continue
        at = now if rule.severity is Severity.CRITICAL else quiet_until(now, rule.quiet, rule.zone)
        for country, days in measured.items():
            if rule.match.countries and country not in rule.match.countries:
                continue
            news: list[ReachabilityNews] = []
            for domain, some in by_domain(days).items():
                before = reported.get((stored.rule_id, country, domain), ())
                since, today = stored.active_since.astimezone(UTC).date(), now.astimezone(UTC).date()
                one = reachability_news(some, before, since, today)
                if one is not None and _is_about(rule.match, domain):
                    news.append(one)
            if news:
                found.append(NetworkNotice(stored, country, tuple(news), at))
    return sorted(found, key=lambda one: (one.at, one.stored.rule_id, one.country))


async def tick(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the emails that are due; returns how many."""
    made = 0
    try:
        async with transaction(pool) as conn:
            await outbox.begin(conn)
            for one in await _known(conn, now):
                if one.at > now:
                    break
                for news in one.news:
                    mark = (
                        network_alerts.mark_reached_reported
                        if news.is_reached
                        else network_alerts.mark_unreachable_reported
                    )
                    newest = news.days[-1].day
                    await mark(conn, one.stored.rule_id, one.country, news.domain, newest, now)
                for recipient in dict.fromkeys(one.stored.rule.recipients):
                    made += await outbox.queue(conn, draft(one, recipient, head), now) is not None
    except StaleState:
        return 0  # Sent meanwhile; the next tick looks again.
    return made


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """When the next notice is due; None if none waits."""
    return min((one.at for one in await _known(conn, now)), default=None)


async def _known(conn: Conn, now: datetime) -> list[NetworkNotice]:
    known = [stored for stored in await rules.load_rules(conn) if stored.rule.networks]
    if not known:
        return []
    today = now.astimezone(UTC).date()
    measured = {
        country: await measured_days(conn, country, today - _LOOK_BACK, today)
        for country in await network_reads(conn)
    }
    reported = await network_alerts.networks_reported(conn)
    return network_notices(measured, known, reported, await mutes.running(conn, now), now)


def draft(one: NetworkNotice, recipient: str, head: Letterhead) -> MailDraft:
    """The email to one recipient."""
    where = f"{country_name(one.country)} ({one.country})"
    content = NoticeContent(
        kind=MailKind.NETWORKS,
        headline=f"{where}: {'; '.join(_headline(news) for news in one.news)}",
        items=[_item(news) for news in one.news],
        not_claimed=_NOT_CLAIMED,
        as_of=one.at,
        keys=[_key(one.country, news) for news in one.news],
        page=f"/countries/{one.country}/network",
    )
    return notice_draft(content, one.stored.rule, recipient, head)


def _headline(news: ReachabilityNews) -> str:
    if news.is_reached:
        return f"{news.domain} reached again in most measurements"
    return f"{news.domain} mostly unreachable for {number(len(news.days), 'day')}"


def _item(news: ReachabilityNews) -> NoticeItem:
    earlier = news.days[:-_SHOWN_DAYS]
    more = (f"and {number(len(earlier), 'day')} before",) if earlier else ()
    return NoticeItem(_headline(news), (*map(_day_words, reversed(news.days[-_SHOWN_DAYS:])), *more))


def _day_words(one: MeasuredDay) -> str:
    """ "30 Nov 2026: opened in 13 of 55 measurements; 40 anomalies, 2 confirmed blocks, 3 failed"."""
    anomalies = f"{one.anomaly:,} {'anomaly' if one.anomaly == 1 else 'anomalies'}"
    others = f"{anomalies}, {number(one.confirmed, 'confirmed block')}, {one.failure:,} failed"
    return f"{day(one.day)}: opened in {one.ok:,} of {number(one.conclusive, 'measurement')}; {others}"


def _key(country: str, news: ReachabilityNews) -> str:
    found: date = news.days[-1].day
    return f"network {country} {news.domain} {found} {'reached' if news.is_reached else 'unreachable'}"


def _is_about(match: Match, domain: str) -> bool:
    return not match.platforms or any(
        domain in DECLARED[platform].measured_domains for platform in match.platforms
    )
