"""Queueing and recording the daily and weekly digests, and the catch-up digests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from jobs.alerting.policy import AlertGroup, DigestDue, after
from jobs.messages import digest_facts
from jobs.messages.compose import Letterhead, story_key
from jobs.messages.digest_compose import compose
from jobs.messages.digest_facts import DigestCohort, DigestContent, DigestCoverage, QuietCohorts, parts_of
from jobs.notify import wave_chart
from storage.alerts import (
    open_alerts,
    outbox,
    rule_scope_report,
    rules,
    threads,
)
from storage.health import silence_report
from storage.model.alerts.alerts import AlertDecision
from storage.model.alerts.digest_period import RuleAccount
from storage.model.core.accounts import Platform
from storage.model.core.late import gap_after, late_after
from storage.postgres.pool import Conn, StaleState
from storage.readings import last_reading

COHORTS_QUIET = 12


async def queue_digest(conn: Conn, due: DigestDue, now: datetime, head: Letterhead) -> int:
    """Queue the emails of a digest and close its alerts. Return the number of recipients; 0 if all have
    unsubscribed.

    Raises StaleState if another notifier has already sent the digest. The caller must then roll back.
    """
    rule_id = due.stored.rule_id
    if not due.is_round_up and not await rules.set_digested(conn, rule_id, due.since, due.until):
        raise StaleState("This digest was already sent by another notifier.")
    # In a catch-up digest, some recipients may be due fewer parts than others.
    alike: dict[tuple[bool, ...], list[str]] = {}
    for recipient in due.recipients:
        alike.setdefault(tuple(recipient in part.recipients for part in due.parts), []).append(recipient)
    heard: set[int] = set()
    if alike:
        scope = await rule_scope_report.watched(conn, due.stored.rule.match, due.until)
        look, quiet = await _look(conn, due, scope, head), await _quiet(conn, due, scope)
        for recipients in alike.values():
            parts = await _standings(conn, due, parts_of(due, recipients[0]))
            content = DigestContent(due, parts, look, quiet)
            picture = None
            if parts:
                picture = await wave_chart.picture(conn, parts[0].whole, parts[0].standing, due.until)
            drafts = [compose(content, head, recipient, picture) for recipient in recipients]
            ids = [a.alert_id for part in parts for a in part.whole.alerts]
            await outbox.tell(conn, drafts, ids, rule_id, now)
            heard.update(ids)
    unheard = [a.alert_id for a in due.alerts if a.alert_id not in heard]
    nobody = [outbox.FinalDecision(i, rule_id, AlertDecision.UNSUBSCRIBED) for i in unheard]
    if nobody:
        await outbox.announce(conn)  # Emails for other recipients follow.
        await outbox.settle(conn, nobody, [], [], now)
    for part in due.parts:
        if part.story is not None:
            await _continue(conn, part, rule_id)
    return len(due.recipients)


async def _continue(conn: Conn, part: AlertGroup, rule_id: int) -> None:
    """Record that a catch-up digest continued an incident."""
    story = after(part)
    story_id = await threads.add_wave(
        conn,
        story_key(part),
        rule_id,
        part.cohort.list_id if part.cohort else None,
        part.recipients,
        len(story.waves),
        story.waves[-1],
        in_round_up=True,
    )
    await outbox.belongs_to(conn, [a.alert_id for a in part.alerts], rule_id, story_id)


async def _look(conn: Conn, due: DigestDue, scope: Sequence[RuleAccount], head: Letterhead) -> DigestCoverage:
    """Return how completely accounts were read in the digest's period, as known at the end of the period."""
    until = due.until
    unread_for = late_after(head.sweep_every)
    since = min([due.since, *(a.created_at for a in due.alerts)])
    platforms, states, blocked_late = digest_facts.looked(scope, since, until, unread_for)
    begins: dict[Platform, datetime] = {}
    for one in scope:
        begins[one.platform] = min(begins.get(one.platform, until), max(since, one.added_at))
    requests = await last_reading.answers(conn, since, until)
    return DigestCoverage(
        since=since,
        until=until,
        late_after=unread_for,
        platforms=platforms,
        states=states,
        blocked_late=blocked_late,
        asked=requests.asked,
        answered=requests.answered,
        silences=tuple(await silence_report.silences(conn, begins, until, gap_after(head.sweep_every))),
        troubles=tuple(await silence_report.past_conditions(conn, list(begins), since, until)),
        provisional=await rule_scope_report.provisional(conn, [w.account_id for w in scope], until),
        untold=()
        if due.is_round_up
        else tuple(await rule_scope_report.untold(conn, due.stored.rule_id, since, until)),
    )


async def _standings(conn: Conn, due: DigestDue, parts: Sequence[DigestCohort]) -> tuple[DigestCohort, ...]:
    """Return the parts, each with the status of its cohort at the end of the digest's period."""
    return tuple(
        [
            replace(p, standing=await open_alerts.standing(conn, p.cohort.list_id, due.until))
            if p.cohort
            else p
            for p in parts
        ]
    )


async def _quiet(conn: Conn, due: DigestDue, scope: Sequence[RuleAccount]) -> QuietCohorts:
    """Return the rule's cohorts without a change in the digest. Empty for a catch-up digest."""
    if due.is_round_up:
        return QuietCohorts()
    touched = {cohort.list_id for alert in due.alerts for cohort in alert.cohorts}
    known = await rule_scope_report.cohorts(
        conn, due.stored.rule.match, [w.account_id for w in scope], due.until
    )
    quiet = [cohort for cohort in known if cohort.list_id not in touched]
    shown = [(c, await open_alerts.standing(conn, c.list_id, due.until)) for c in quiet[:COHORTS_QUIET]]
    return QuietCohorts(tuple(shown), len(quiet) - len(shown))
