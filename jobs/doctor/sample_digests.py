"""Invented digests and round-ups, full and bare, with which templates are tried."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from jobs.alerting.policy import DigestDue, Wave
from jobs.messages.digest_facts import (
    DigestContent,
    DigestCoverage,
    DigestPlatform,
    QuietCohorts,
    StateNow,
    parts_of,
)
from storage.model.alerts.alerts import AlertDecision, AlertRow, Cohort, ListStatus
from storage.model.alerts.digest_period import PastCondition, PlatformSilence, UnsentChanges
from storage.model.alerts.rules import Digest
from storage.model.core.accounts import ListId, Platform

_COHORTS = 20
"""More than one mail tells in full."""


def digests(wave: Wave, standing: ListStatus) -> list[DigestContent]:
    """What is told of a day in which much happened, of one with nothing, and in a round-up."""
    until = wave.closed_at
    since = until - timedelta(days=1)
    stored = replace(wave.stored, rule=replace(wave.rule, digest=Digest.DAILY))
    due = DigestDue(stored, wave.recipients, since, until, (*wave.alerts, *_elsewhere(wave.alerts[0])))
    parts = tuple(replace(part, standing=standing) for part in parts_of(due, wave.recipients[0]))
    quiet = QuietCohorts(((Cohort(ListId(99), "Quiet list", None), standing),), 3)
    round_up = replace(due, stored=wave.stored, parts=(wave,))
    bare = DigestCoverage(since, until, timedelta(minutes=45))
    full = DigestCoverage(
        since,
        until,
        timedelta(minutes=45),
        (DigestPlatform(Platform.X, 110, 100, 7),),
        (
            StateNow("withheld in India (IN)", 70, is_blocked=True),
            StateNow("available", 30, is_blocked=False),
        ),
        blocked_late=3,
        asked=9000,
        answered=8500,
        silences=(PlatformSilence(Platform.X, since, until),),
        troubles=(
            PastCondition("An example of a trouble", since, None),
            PastCondition("Another", since, until),
        ),
        provisional=2,
        untold=(UnsentChanges(AlertDecision.MUTED, 4),),
    )
    return [
        DigestContent(due, parts, full, quiet),
        DigestContent(replace(due, alerts=()), (), bare),
        DigestContent(round_up, parts_of(round_up, wave.recipients[0]), bare),
    ]


def _elsewhere(alert: AlertRow) -> Sequence[AlertRow]:
    """The same change of accounts of other lists."""
    return [
        replace(alert, alert_id=1000 + n, cohorts=(Cohort(ListId(100 + n), f"List {n}", None),))
        for n in range(_COHORTS)
    ]
