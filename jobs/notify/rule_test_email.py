"""The email that a rule would send about the newest changes that it matches, marked as a test."""

from datetime import datetime, timedelta

from jobs.alerting.matching import cohort_of, matches
from jobs.messages.compose import Letterhead
from jobs.notify import alert_preview
from jobs.replay.rule_preview import rules_on_trial
from storage.alerts.open_alerts import alerts_by_id, newest_confirmed
from storage.model.alerts.alerts import MailDraft
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Conn, open_pool
from storage.postgres.replica import snapshot

NEWEST = 1_000
"""How many of the newest confirmed changes are looked at."""
_TOGETHER = timedelta(hours=1)
"""Changes of one cohort within this time before the newest are shown in one email."""


async def rule_test_email(
    conn: Conn, rule: AlertRule, to: str, head: Letterhead, now: datetime
) -> MailDraft | None:
    """Return the email to `to`. None if none of the newest changes matches. Nothing is stored.

    Mutes, unreachable platforms, quiet hours, waiting times and other rules are ignored.
    """
    newest = await alerts_by_id(conn, await newest_confirmed(conn, NEWEST))
    matching = [alert for alert in newest if matches(alert, rule.match)]
    if not matching:
        return None
    last = max(matching, key=lambda a: (a.created_at, a.alert_id))
    cohort = cohort_of(last.cohorts, last.change.first_seen_new)
    shown = [
        a
        for a in matching
        if a.created_at > last.created_at - _TOGETHER
        and cohort_of(a.cohorts, a.change.first_seen_new) == cohort
    ]
    groups = alert_preview.waves_on_trial(shown, rules_on_trial([], rule), None, to)
    return await alert_preview.draft(conn, groups[0], to, head, now)


async def stored_test_email(
    dsn: str, rule: AlertRule, to: str, head: Letterhead, now: datetime
) -> MailDraft | None:
    """The same over a connection of its own, at one moment of the database."""
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        return await rule_test_email(conn, rule, to, head, now)
