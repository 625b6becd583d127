"""Short builders of alerts, the rows that mails are made of."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from collectors.x.declaration import X
from storage.alerts.rules import keep_to_settings
from storage.model.alerts.alerts import (
    AlertChange,
    AlertDecision,
    AlertRow,
    AlertStage,
    Cohort,
    LastWord,
    OrderRef,
    PastAlert,
)
from storage.model.alerts.rules import AlertRule, RuleId, StoredRule
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.availability import State, Status, Strength, kind_of
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import AVAILABLE, MINUTE, T0, WITHHELD_IN

ORDER = Cohort(
    ListId(1), "Order of 31 January", OrderRef("MeitY 2021-01-31", "IN", T0 - timedelta(hours=12), 257)
)
REPORTERS = Cohort(ListId(2), "Reporters", None)


def a_change(
    account: int = 1,
    new: State = WITHHELD_IN,
    old: State | None = AVAILABLE,
    *,
    at: datetime = T0,
    since: datetime | None = None,
    handle: str | None = None,
    platform: Platform = X,
    readings: int = 2,
    left_censored: bool = False,
    is_post: bool = False,
) -> AlertChange:
    """A change first seen at `at`, 15 minutes after the old state was last seen unless `since` says else."""
    return AlertChange(
        change_key=hashlib.sha256(f"{platform} {account} {new} {at.isoformat()}".encode()).hexdigest(),
        account_id=AccountId(account),
        platform=platform,
        handle=handle or (f"author/{account}" if is_post else f"account_{account:04}"),
        old=old,
        new=new,
        kind=kind_of(old, new),
        strength=Strength.WEAK if new.status in {Status.NOT_FOUND, Status.DEACTIVATED} else Strength.STRONG,
        last_seen_old=None if left_censored else since or at - 15 * MINUTE,
        first_seen_new=at,
        readings=readings,
        is_post=is_post,
    )


def an_alert(alert_id: int, change: AlertChange, created_at: datetime, *cohorts: Cohort) -> AlertRow:
    return AlertRow(alert_id, created_at, change, cohorts)


def owed_to(
    stage: AlertStage = AlertStage.CONFIRMED, *rules: int, to: str = "desk@example.org"
) -> dict[str, LastWord]:
    """What somebody was told last of a change, by these rules; by default by the one with the number 1."""
    return {to: LastWord(stage, (rules or (1,))[-1], frozenset(rules or (1,)))}


def a_rule(rule: AlertRule, rule_id: int = 1, *, enabled: bool = True) -> StoredRule:
    return StoredRule(RuleId(rule_id), rule, enabled, from_settings=False, active_since=T0, digested_to=T0)


async def tell_by(pool: Pool, *rules: AlertRule) -> None:
    """Let these rules stand in the database since T0, and no others."""
    async with transaction(pool) as conn:
        await keep_to_settings(conn, rules, T0)


def past(alert: AlertRow, decision: AlertDecision | None = None) -> PastAlert:
    """As the rule with the number 1 decided it."""
    return PastAlert(alert.created_at, alert.change, {} if decision is None else {1: decision})


async def store(pool: Pool, alerts: Sequence[AlertRow]) -> None:
    """Put alerts into the database as recorded requests would, in this order: changes, spells, lists."""
    async with transaction(pool) as conn:
        for alert in alerts:
            change = alert.change
            account_id = await conn.fetchval(
                """
                insert into account (platform, native_id, handle, is_post, added_at)
                values ($1, $2, $3, $4, $5)
                on conflict (platform, native_id) do update set handle = excluded.handle returning account_id
                """,
                change.platform.value,
                f"post:{change.account_id}" if change.is_post else str(change.account_id),
                change.handle,
                change.is_post,
                T0,
            )
            for cohort in alert.cohorts:
                await _join(conn, account_id, cohort)
            change_id = await conn.fetchval(
                """
                insert into change (change_key, account_id, old_status, old_withheld_in, status, withheld_in,
                    kind, strength, last_seen_old, first_seen_new, recorded_at, source)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 'test') returning change_id
                """,
                change.change_key,
                account_id,
                change.old and change.old.status.value,
                change.old.withheld_in if change.old else (),
                change.new.status.value,
                change.new.withheld_in,
                change.kind.value,
                change.strength.value,
                change.last_seen_old,
                change.first_seen_new,
            )
            await conn.execute(
                """
                insert into change_outcome
                    (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
                values ($1, 'confirmed', 'enough_strong', $2, $3, $2)
                """,
                change_id,
                alert.created_at,
                change.readings,
            )
            await conn.execute(
                """
                update spell set recorded = tstzrange(lower(recorded), $2)
                where account_id = $1 and upper_inf(recorded)
                """,
                account_id,
                alert.created_at,
            )
            await conn.execute(
                """
                insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
                values ($1, $2, $3, $4, $5, tstzrange($6, null), tstzrange($7, null))
                """,
                account_id,
                change_id,
                change.new.status.value,
                change.new.withheld_in,
                change.last_seen_old,
                change.first_seen_new,
                alert.created_at,
            )
            await conn.execute(
                "insert into alert (change_id, created_at) values ($1, $2)", change_id, alert.created_at
            )


async def _join(conn: Conn, account_id: int, cohort: Cohort) -> None:
    list_id = await conn.fetchval(
        """
        insert into watch_list (name, created_at) values ($1, $2)
        on conflict (name) do update set name = excluded.name returning list_id
        """,
        cohort.name,
        T0,
    )
    await conn.execute(
        """
        insert into watch_list_member (list_id, account_id, added_at) values ($1, $2, $3)
        on conflict do nothing
        """,
        list_id,
        account_id,
        T0,
    )
    if cohort.order is not None:
        await conn.execute(
            """
            insert into legal_order (reference, title, issuer, country, legal_basis, issued_at, named_count,
                list_id, known_at)
            values ($1, 'Title', 'Issuer', $2, 'Section 69A', $3, $4, $5, $3) on conflict do nothing
            """,
            cohort.order.reference,
            cohort.order.country,
            cohort.order.issued_at,
            cohort.order.named_count,
            list_id,
        )


def blocked(count: int, confirmed: datetime = T0 + MINUTE, first: int = 0) -> list[AlertRow]:
    return [
        an_alert(i, a_change(i, at=confirmed - MINUTE), confirmed, ORDER) for i in range(first, first + count)
    ]


async def decisions(pool: Pool) -> list[tuple[str, bool]]:
    """What each rule decided of each alert, and whether that is the last word."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            select decision, decided_at is not null as is_final
            from alert_decision order by alert_id, rule_id nulls last
            """
        )
    return [(r["decision"], r["is_final"]) for r in rows]


async def queue(pool: Pool) -> list[tuple[str, str, int, str | None]]:
    """The mails: state, recipient, attempts and the last error, in the order in which they were written."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select state, recipients[1] as recipient, attempts, last_error from mail order by mail_id"
        )
    return [tuple(r) for r in rows]
