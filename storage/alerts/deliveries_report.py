"""Read model of deliveries: every mail and message to one recipient, found by what became of it."""

from dataclasses import dataclass
from datetime import datetime

from storage.alerts.mails_report import MailLine
from storage.model.alerts.alerts import MailKind, MailState
from storage.postgres.pool import Conn

CHOICES = 200
"""The most recipients and rules that are offered to choose from."""


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; None: of all."""

    state: MailState | None = None
    recipient: str | None = None
    rule: str | None = None
    """By name. What belongs to no rule, such as mails to the operators, is left out then."""
    since: datetime | None = None
    """Written since then."""
    before: int | None = None
    """With a lower number than this: how a later page goes on."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail, by which rules, and who took on what it tells."""

    mail: MailLine
    rules: tuple[str, ...]
    acknowledged_by: str | None
    """Whoever acknowledged the wave that it tells, or a later one of its story."""
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Choices:
    recipients: tuple[str, ...]
    rules: tuple[str, ...]


async def deliveries(conn: Conn, wanted: DeliveryFilter, limit: int) -> list[Delivery]:
    """The newest `limit` of those that are wanted, newest first."""
    rows = await conn.fetch(
        """
        with found as (
            select m.*, of.rules
            from mail m cross join lateral (
                select array(
                    select r.name from story s join alert_rule r using (rule_id) where s.story_id = m.story_id
                    union
                    -- A digest tells no story: it is its rule's that decided just then to tell its recipient.
                    select r.name
                    from mail_alert t
                    join alert_decision d on d.alert_id = t.alert_id and d.decided_at = m.created_at
                    join alert_rule r on r.rule_id = d.rule_id
                        and r.definition -> 'recipients' ? m.recipients[1]
                    where t.mail_id = m.mail_id and m.story_id is null and m.kind = 'digest'
                    order by name
                ) as rules
            ) of
            where ($1::text is null or m.state = $1) and ($2::text is null or $2 = any(m.recipients))
                and ($3::text is null or $3 = any(of.rules))
                and ($4::timestamptz is null or m.created_at >= $4)
                and ($5::bigint is null or m.mail_id < $5)
            order by m.mail_id desc limit $6
        )
        select m.mail_id, m.subject, m.recipients, m.state, m.created_at, m.sent_at, m.attempts,
            m.next_attempt_at, m.last_error, m.kind, m.merged_into,
            (select count(*) from mail_alert t where t.mail_id = m.mail_id) as changes,
            m.rules,
            case when s.acknowledged_wave >= m.wave then s.acknowledged_by end as acknowledged_by,
            case when s.acknowledged_wave >= m.wave then s.acknowledged_at end as acknowledged_at
        from found m left join story s using (story_id)
        order by m.mail_id desc
        """,
        None if wanted.state is None else wanted.state.value,
        wanted.recipient,
        wanted.rule,
        wanted.since,
        wanted.before,
        limit,
    )
    return [
        Delivery(
            MailLine(
                mail_id=r["mail_id"],
                subject=r["subject"],
                recipients=tuple(r["recipients"]),
                state=MailState(r["state"]),
                created_at=r["created_at"],
                sent_at=r["sent_at"],
                attempts=r["attempts"],
                next_attempt_at=r["next_attempt_at"],
                last_error=r["last_error"],
                changes=r["changes"],
                kind=MailKind(r["kind"]),
                merged_into=r["merged_into"],
            ),
            tuple(r["rules"]),
            r["acknowledged_by"],
            r["acknowledged_at"],
        )
        for r in rows
    ]


async def choices(conn: Conn) -> Choices:
    """Whom mails were written to, and the names of the rules that ever were, removed ones included."""
    recipients = await conn.fetch(
        "select distinct unnest(recipients) as name from mail order by name limit $1", CHOICES
    )
    rules = await conn.fetch("select distinct name from alert_rule order by name limit $1", CHOICES)
    return Choices(tuple(r["name"] for r in recipients), tuple(r["name"] for r in rules))
