"""Short builders of alerts, the rows that mails are made of."""

import hashlib
from datetime import datetime, timedelta

from storage.model.accounts import AccountId, ListId, Platform
from storage.model.alerts import AlertChange, AlertDecision, AlertRow, Cohort, OrderRef, PastAlert
from storage.model.availability import State, Status, Strength, kind_of
from tests.factories import AVAILABLE, MINUTE, T0, WITHHELD_IN

ORDER = Cohort(ListId(1), "Order of 31 January", OrderRef("MeitY 2021-01-31", "IN", T0 - timedelta(hours=12), 257))
REPORTERS = Cohort(ListId(2), "Reporters", None)


def a_change(
    account: int = 1,
    new: State = WITHHELD_IN,
    old: State | None = AVAILABLE,
    *,
    at: datetime = T0,
    since: datetime | None = None,
    handle: str | None = None,
    platform: Platform = Platform.X,
    readings: int = 2,
    left_censored: bool = False,
) -> AlertChange:
    """A change whose new state was first seen at `at`, 15 minutes after the old one unless `since` says else."""
    return AlertChange(
        change_key=hashlib.sha256(f"{platform} {account} {new} {at.isoformat()}".encode()).hexdigest(),
        account_id=AccountId(account),
        platform=platform,
        handle=handle or f"account_{account:04}",
        old=old,
        new=new,
        kind=kind_of(old, new),
        strength=Strength.WEAK if new.status in {Status.NOT_FOUND, Status.DEACTIVATED} else Strength.STRONG,
        last_seen_old=None if left_censored else since or at - 15 * MINUTE,
        first_seen_new=at,
        readings=readings,
    )


def an_alert(alert_id: int, change: AlertChange, created_at: datetime, *cohorts: Cohort) -> AlertRow:
    return AlertRow(alert_id, created_at, change, cohorts)


def past(alert: AlertRow, decision: AlertDecision | None = None) -> PastAlert:
    return PastAlert(alert.created_at, alert.change, decision)
