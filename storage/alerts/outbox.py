"""What is decided of alerts: told, silent or kept, with the reason; and the mails that tell them, queued."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.alerts.alerts import AlertDecision, MailDraft
from storage.postgres.pool import Conn, StaleState, StorageError


@dataclass(frozen=True, slots=True)
class FinalDecision:
    """The last word of a rule about an alert."""

    alert_id: int
    rule_id: int | None
    decision: AlertDecision
    mute_id: int | None = None


@dataclass(frozen=True, slots=True)
class DeferredDecision:
    """An alert that a rule keeps for later."""

    alert_id: int
    rule_id: int
    decision: AlertDecision
    until: datetime


async def begin(conn: Conn) -> None:
    """Make other notifiers wait until this transaction has decided."""
    await conn.execute("select pg_advisory_xact_lock(hashtext('blockline alerts'))")


async def announce(conn: Conn) -> None:
    """Take the turn of those who announce something, before any alert is held.

    A correction announces a change and then moves its alert: in the same order nobody deadlocks.
    """
    await conn.execute("select pg_advisory_xact_lock(hashtext('blockline live_event'))")


async def tell(
    conn: Conn,
    drafts: Sequence[MailDraft],
    alert_ids: Sequence[int],
    rule_id: int,
    now: datetime,
    *,
    story_id: int | None = None,
    wave: int | None = None,
) -> None:
    """Queue the mails of one wave or digest, and say that its alerts are told, in the caller's transaction.

    Raises `StaleState` when one of the alerts was decided meanwhile: the transaction must then be undone.
    Raises `StorageError` when a mail has the Message-ID of another one that is queued already.
    """
    if drafts:
        await announce(conn)
    await _hold_open(conn, alert_ids)
    for draft in drafts:
        await _queue_about(conn, draft, alert_ids, now, story_id, wave)
    decision = AlertDecision.MAILED if len(alert_ids) == 1 else AlertDecision.GROUPED
    await _decide(conn, alert_ids, rule_id, decision, now, story_id)


async def reply(
    conn: Conn,
    drafts: Sequence[tuple[MailDraft, int | None]],
    alert_ids: Sequence[int],
    undecided: Sequence[int],
    rule_id: int,
    now: datetime,
) -> None:
    """Queue the mails of one reply, each with the story that it answers, if any; in the caller's transaction.

    To have told those of `undecided` is the decision of the rule. Raises like `tell`.
    """
    await announce(conn)
    await _hold_open(conn, alert_ids)
    for draft, story_id in drafts:
        await _queue_about(conn, draft, alert_ids, now, story_id, None)
    await _decide(conn, undecided, rule_id, AlertDecision.ANSWERED, now, None)


async def _queue_about(
    conn: Conn,
    draft: MailDraft,
    alert_ids: Sequence[int],
    now: datetime,
    story_id: int | None,
    wave: int | None,
) -> None:
    mail_id = await queue(conn, draft, now, story_id, wave)
    if mail_id is None:
        await _require_told(conn, draft, alert_ids)
        return
    await conn.execute(
        "insert into mail_alert (mail_id, alert_id) select $1, unnest($2::bigint[])", mail_id, alert_ids
    )


async def _decide(
    conn: Conn,
    alert_ids: Sequence[int],
    rule_id: int,
    decision: AlertDecision,
    now: datetime,
    story_id: int | None,
) -> None:
    await conn.execute(
        """
        insert into alert_decision (alert_id, rule_id, decision, decided_at, story_id)
        select u.alert_id, $2, $3, $4, $5 from unnest($1::bigint[]) as u (alert_id)
        on conflict (alert_id, rule_id) do update set decision = excluded.decision, until = null,
            decided_at = excluded.decided_at, story_id = excluded.story_id
        """,
        alert_ids,
        rule_id,
        decision.value,
        now,
        story_id,
    )


async def _require_told(conn: Conn, draft: MailDraft, alert_ids: Sequence[int]) -> None:
    """Nothing counts as told that stands in no mail: the one of this Message-ID must tell these alerts."""
    found = await conn.fetchval(
        """
        select count(*) from mail join mail_alert using (mail_id)
        where message_id = $1 and recipients = array[$2] and alert_id = any($3::bigint[])
        """,
        draft.message_id,
        draft.recipient,
        alert_ids,
    )
    if found != len(alert_ids):
        raise StorageError(f"The Message-ID {draft.message_id} belongs to an email with other content.")


async def belongs_to(conn: Conn, alert_ids: Sequence[int], rule_id: int, story_id: int) -> None:
    """Say which story the alerts go on with that a mail about several stories told."""
    await conn.execute(
        "update alert_decision set story_id = $3 where alert_id = any($1::bigint[]) and rule_id = $2",
        alert_ids,
        rule_id,
        story_id,
    )


async def queue(
    conn: Conn, draft: MailDraft, now: datetime, story_id: int | None = None, wave: int | None = None
) -> int | None:
    """Put a mail into the queue; returns its number, None when the same mail was queued before."""
    return await conn.fetchval(
        """
        insert into mail (
            message_id, recipients, subject, text_body, html_body, created_at, state, next_attempt_at, kind,
            story_id, wave, in_reply_to, reference_ids, urgent, picture, payload, unsubscribe_url
        )
        values ($1, array[$2], $3, $4, $5, $6, 'queued', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        on conflict (message_id) do nothing returning mail_id
        """,
        draft.message_id,
        draft.recipient,
        draft.subject,
        draft.text_body,
        draft.html_body,
        now,
        draft.kind.value,
        story_id,
        wave,
        draft.in_reply_to,
        draft.reference_ids,
        draft.urgent,
        draft.picture,
        draft.payload,
        draft.unsubscribe_url,
    )


async def settle(
    conn: Conn,
    silent: Sequence[FinalDecision],
    kept: Sequence[DeferredDecision],
    ended: Sequence[int],
    now: datetime,
) -> None:
    """Give what is not told its reason, and close the alerts (`ended`) about which no rule has to decide
    any more. Raises `StaleState` like `tell`.
    """
    # Also what is kept: nobody would ever decide what waits about an alert that is closed.
    await _hold_open(conn, {*(s.alert_id for s in silent), *(k.alert_id for k in kept), *ended})
    if silent:
        await conn.execute(
            """
            insert into alert_decision (alert_id, rule_id, decision, decided_at, mute_id)
            select u.alert_id, u.rule_id, u.decision, $5, u.mute_id
            from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                as u (alert_id, rule_id, decision, mute_id)
            on conflict (alert_id, rule_id) do update set decision = excluded.decision, until = null,
                decided_at = excluded.decided_at, mute_id = excluded.mute_id
            """,
            [s.alert_id for s in silent],
            [s.rule_id for s in silent],
            [s.decision.value for s in silent],
            [s.mute_id for s in silent],
            now,
        )
    if kept:
        await keep(conn, kept)
    if ended:
        # What a rule that is gone kept is of no account any more.
        await conn.execute(
            "delete from alert_decision where alert_id = any($1::bigint[]) and decided_at is null", ended
        )
        await conn.execute(
            """
            update alert set decided_at = $2, decision = (
                select d.decision from alert_decision d where d.alert_id = alert.alert_id
                order by d.decision in ('mailed', 'grouped', 'answered') desc, d.rule_id limit 1
            )
            where alert_id = any($1::bigint[])
            """,
            ended,
            now,
        )


async def keep(conn: Conn, kept: Sequence[DeferredDecision]) -> None:
    """Put on record what waits, and why, of alerts that nobody decided meanwhile."""
    await conn.execute(
        """
        with news as (
            select u.*
            from unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[])
                as u (alert_id, rule_id, decision, until)
            left join alert_decision d using (alert_id, rule_id)
            where (d.decision, d.until) is distinct from (u.decision, u.until)
        ),
        held as (
            select alert_id from alert where alert_id in (select alert_id from news) and decided_at is null
            order by alert_id for no key update
        )
        insert into alert_decision (alert_id, rule_id, decision, until)
        select news.* from news join held using (alert_id)
        on conflict (alert_id, rule_id) do update set decision = excluded.decision, until = excluded.until
        where alert_decision.decided_at is null
        """,
        [k.alert_id for k in kept],
        [k.rule_id for k in kept],
        [k.decision.value for k in kept],
        [k.until for k in kept],
    )


async def _hold_open(conn: Conn, alert_ids: Collection[int]) -> None:
    """Lock alerts, in the order of their ids so that two notifiers wait instead of deadlocking."""
    locked = await conn.fetch(
        """
        select alert_id from alert where alert_id = any($1::bigint[]) and decided_at is null
        order by alert_id for update
        """,
        list(alert_ids),
    )
    if len(locked) != len(alert_ids):
        taken = len(alert_ids) - len(locked)
        raise StaleState(f"{taken} of {len(alert_ids)} alerts were already decided by another process.")
