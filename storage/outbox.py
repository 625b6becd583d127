"""Alerts: one for every confirmed change, born in its transaction, until it is decided what comes of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.db import Conn, StaleState
from storage.model.accounts import AccountId, ListId, Platform
from storage.model.alerts import (
    AlertChange,
    AlertDecision,
    AlertRow,
    Cohort,
    CohortMail,
    MailDraft,
    OrderRef,
    PastAlert,
    Standing,
)
from storage.model.availability import ChangeKind, Flag, State, Status, Strength


async def open_alerts(conn: Conn) -> list[AlertRow]:
    """Every confirmed change that waits for a decision, with all lists and orders of its account."""
    rows = await conn.fetch(
        """
        select al.alert_id, al.created_at, c.change_key, c.account_id, a.platform, a.handle, c.old_status,
            c.old_withheld_in, c.status, c.withheld_in, c.kind, c.strength, c.last_seen_old, c.first_seen_new,
            c.flags, o.readings
        from alert al
        join change c using (change_id)
        join change_outcome o using (change_id)
        join account a using (account_id)
        where al.decided_at is null
        """
    )
    cohorts = await _cohorts(conn, {r["account_id"] for r in rows})
    return [
        AlertRow(r["alert_id"], r["created_at"], _change(r), cohorts.get(r["account_id"], ())) for r in rows
    ]


async def recent_alerts(conn: Conn, account_ids: Collection[AccountId], since: datetime) -> list[PastAlert]:
    """All alerts of these accounts after `since`, decided or open, each with its change as it stands now.

    Those whose change was corrected away are left out.
    """
    rows = await conn.fetch(
        """
        with recursive told as (
            select al.created_at, al.decision, c.change_id
            from change c join alert al using (change_id)
            where c.account_id = any($1::bigint[]) and al.created_at > $2
            union
            select told.created_at, told.decision, later.change_id
            from told join change later on later.supersedes = told.change_id
        )
        select told.created_at, told.decision, c.change_key, c.account_id, a.platform, a.handle, c.old_status,
            c.old_withheld_in, c.status, c.withheld_in, c.kind, c.strength, c.last_seen_old, c.first_seen_new,
            c.flags, o.readings
        from told
        join standing_change c using (change_id)
        join change_outcome o using (change_id)
        join account a using (account_id)
        where o.outcome = 'confirmed'
        """,
        list(account_ids),
        since,
    )
    return [
        PastAlert(r["created_at"], _change(r), AlertDecision(r["decision"]) if r["decision"] else None)
        for r in rows
    ]


async def recent_mails(conn: Conn, since: datetime) -> list[CohortMail]:
    """The mails whose newest change was confirmed after `since`."""
    rows = await conn.fetch(
        """
        select distinct on (al.mail_id) c.account_id, c.first_seen_new,
            max(al.created_at) over (partition by al.mail_id) as as_of
        from alert al join change c using (change_id)
        where al.mail_id is not null and al.created_at > $1
        order by al.mail_id, c.change_key
        """,
        since,
    )
    cohorts = await _cohorts(conn, {r["account_id"] for r in rows})
    return [CohortMail(r["as_of"], r["first_seen_new"], cohorts.get(r["account_id"], ())) for r in rows]


async def standing(conn: Conn, list_id: ListId, as_of: datetime) -> Standing:
    """How the watched accounts of a list stood, as known at `as_of`."""
    rows = await conn.fetch(
        """
        select a.platform, s.status, s.withheld_in, count(*)::int as accounts
        from watch_list_member m
        join account a on a.account_id = m.account_id and a.watched
        left join spell s on s.account_id = m.account_id and s.valid @> $2::timestamptz
            and s.recorded @> $2::timestamptz
        where m.list_id = $1
        group by a.platform, s.status, s.withheld_in
        order by accounts desc, a.platform, s.status, s.withheld_in
        """,
        list_id,
        as_of,
    )
    states = ((Platform(r["platform"]), _state(r["status"], r["withheld_in"]), r["accounts"]) for r in rows)
    return Standing(
        watched=sum(r["accounts"] for r in rows),
        states=tuple((platform, state, n) for platform, state, n in states if state is not None),
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """A mail to store and the alerts that it tells of."""

    draft: MailDraft
    alert_ids: Sequence[int]


async def decide(
    conn: Conn,
    mails: Sequence[Decided],
    silent: Mapping[int, AlertDecision],
    waiting: Sequence[int],
    now: datetime,
) -> None:
    """Queue the mails and give every alert its reason, inside the caller's transaction.

    Raises `StaleState` when another notifier decided one of the alerts first: the transaction must
    then be undone.
    """
    if mails:
        # A correction announces a change and then moves its alert: in the same order nobody deadlocks.
        await conn.execute("select pg_advisory_xact_lock(hashtext('blockline live_event'))")
    mailed = [alert_id for mail in mails for alert_id in mail.alert_ids]
    await _hold_open(conn, [*mailed, *silent])
    for mail in mails:
        mail_id = await conn.fetchval(
            """
            insert into mail (
                message_id, recipients, subject, text_body, html_body, created_at, state, next_attempt_at
            )
            values ($1, $2, $3, $4, $5, $6, 'queued', $6) returning mail_id
            """,
            mail.draft.message_id,
            mail.draft.recipients,
            mail.draft.subject,
            mail.draft.text_body,
            mail.draft.html_body,
            now,
        )
        await conn.execute(
            """
            update alert set decision = 'mailed', decided_at = $2, mail_id = $3
            where alert_id = any($1::bigint[])
            """,
            mail.alert_ids,
            now,
            mail_id,
        )
    if silent:
        await conn.execute(
            """
            update alert set decision = u.decision, decided_at = $3
            from unnest($1::bigint[], $2::text[]) as u (alert_id, decision)
            where alert.alert_id = u.alert_id
            """,
            list(silent),
            [reason.value for reason in silent.values()],
            now,
        )
    if waiting:
        await conn.execute(
            """
            update alert set decision = 'waiting'
            where alert_id = any($1::bigint[]) and decided_at is null and decision is null
            """,
            waiting,
        )


async def _hold_open(conn: Conn, alert_ids: Collection[int]) -> None:
    """Lock alerts, in the order of their ids so that two notifiers wait instead of deadlocking."""
    held = await conn.fetch(
        """
        select alert_id from alert where alert_id = any($1::bigint[]) and decided_at is null
        order by alert_id for update
        """,
        list(alert_ids),
    )
    if len(held) != len(alert_ids):
        taken = len(alert_ids) - len(held)
        raise StaleState(f"{taken} of {len(alert_ids)} alerts were decided by another notifier.")


async def _cohorts(conn: Conn, account_ids: Iterable[AccountId]) -> dict[AccountId, tuple[Cohort, ...]]:
    rows = await conn.fetch(
        """
        select m.account_id, l.list_id, l.name, o.reference, o.country, o.issued_at, o.named_count
        from watch_list_member m
        join watch_list l using (list_id)
        left join legal_order o using (list_id)
        where m.account_id = any($1::bigint[])
        order by m.account_id, l.name
        """,
        list(account_ids),
    )
    out: dict[AccountId, tuple[Cohort, ...]] = {}
    for r in rows:
        order = None
        if r["reference"] is not None:
            order = OrderRef(r["reference"], r["country"], r["issued_at"], r["named_count"])
        account_id = AccountId(r["account_id"])
        out[account_id] = (*out.get(account_id, ()), Cohort(ListId(r["list_id"]), r["name"], order))
    return out


def _change(r: Record) -> AlertChange:
    new = _state(r["status"], r["withheld_in"])
    if new is None:
        raise ValueError(f"change {r['change_key']} has no status")
    return AlertChange(
        change_key=r["change_key"],
        account_id=AccountId(r["account_id"]),
        platform=Platform(r["platform"]),
        handle=r["handle"],
        old=_state(r["old_status"], r["old_withheld_in"]),
        new=new,
        kind=ChangeKind(r["kind"]),
        strength=Strength(r["strength"]),
        last_seen_old=r["last_seen_old"],
        first_seen_new=r["first_seen_new"],
        readings=r["readings"],
        flags=frozenset(map(Flag, r["flags"])),
    )


def _state(status: str | None, withheld_in: Sequence[str]) -> State | None:
    return None if status is None else State(Status(status), tuple(withheld_in))
