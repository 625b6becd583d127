"""The monitor's own troubles on record: each is noticed, told and ended once, whoever looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.alerts import outbox
from storage.model.alerts.alerts import MailDraft, MailState
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class EndedCondition:
    """A condition that is over, and how things stand instead."""

    condition_id: int
    sentence: str


async def take_turn(conn: Conn) -> None:
    """From here to the end of the transaction nobody else notices, ends or tells conditions."""
    await conn.execute("select pg_advisory_xact_lock(hashtext('blockline operators'))")


async def note_run(conn: Conn, now: datetime) -> None:
    """Record that a notifier looks for conditions now."""
    await conn.execute(
        """
        insert into watchdog_run (at) values ($1)
        on conflict (one_row) do update set at = greatest(watchdog_run.at, $1)
        """,
        now,
    )


async def last_run(conn: Conn) -> datetime | None:
    """When a notifier last looked for conditions. None: never, so it is not known whether there are any."""
    return await conn.fetchval("select at from watchdog_run")


async def note_dead_letters(conn: Conn, now: datetime) -> None:
    """Keep when mails were given up: their own row does not tell."""
    await conn.execute(
        "update mail set given_up_seen_at = $1 where state = 'dead' and given_up_seen_at is null", now
    )


async def open_conditions(conn: Conn) -> list[KnownCondition]:
    """Those that are not over, the longest first."""
    rows = await conn.fetch(
        """
        select c.*, m.state as mail_state
        from operator_condition c left join mail m on m.mail_id = c.told_mail_id
        where c.ended_at is null order by c.since, c.condition_id
        """
    )
    return [_known(r) for r in rows]


async def count_open_conditions(conn: Conn) -> int:
    """How many are not over. Nothing says that none was overlooked: a notifier has to run to find any."""
    return await conn.fetchval("select count(*) from operator_condition where ended_at is null")


async def unsettled(conn: Conn) -> list[KnownCondition]:
    """The open conditions, and those whose end has to be told yet, the longest first."""
    rows = await conn.fetch(
        """
        select c.*, m.state as mail_state
        from operator_condition c left join mail m on m.mail_id = c.told_mail_id
        where c.ended_at is null or c.told_at is not null and c.ended_told_at is null
        order by c.since, c.condition_id
        """
    )
    return [_known(r) for r in rows]


async def last_notified(conn: Conn) -> datetime | None:
    """When operators were last mailed about anything; None when they never were."""
    return await conn.fetchval("select max(greatest(told_at, ended_told_at)) from operator_condition")


async def save(
    conn: Conn,
    opened: Sequence[Condition],
    changed: Sequence[tuple[int, Condition]],
    ended: Sequence[EndedCondition],
    now: datetime,
) -> None:
    """Keep what was noticed. A condition that is open already is not opened again, and none ends twice."""
    await conn.executemany(
        """
        insert into operator_condition (
            kind, platform, place, vantage, since, sentence, detail, to_do, opened_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (kind, platform, place, vantage) where ended_at is null do nothing
        """,
        [
            (
                c.key.kind.value,
                "" if c.key.platform is None else c.key.platform.value,
                c.key.place,
                c.key.vantage,
                c.since,
                c.sentence,
                c.detail,
                c.to_do,
                now,
            )
            for c in opened
        ],
    )
    await conn.executemany(
        """
        update operator_condition set sentence = $2, detail = $3, to_do = $4
        where condition_id = $1 and ended_at is null
        """,
        [(condition_id, c.sentence, c.detail, c.to_do) for condition_id, c in changed],
    )
    await conn.executemany(
        """
        with over as (
            update operator_condition set ended_at = $3, end_sentence = $2
            where condition_id = $1 and ended_at is null
            returning condition_id, kind, platform, place, vantage, told_at
        )
        -- It had come back before anybody was told that it was over, and was not told itself: it lasted.
        update operator_condition earlier set ended_at = $3, end_sentence = $2
        from over
        where over.told_at is null and earlier.told_at is not null and earlier.ended_told_at is null
            and earlier.ended_at is not null
            and (earlier.kind, earlier.platform, earlier.place, earlier.vantage)
                = (over.kind, over.platform, over.place, over.vantage)
        """,
        [(one.condition_id, one.sentence, now) for one in ended],
    )


async def tell(
    conn: Conn, drafts: Sequence[MailDraft], notified: Sequence[int], ended: Sequence[int], now: datetime
) -> int:
    """Queue the mails that tell that conditions are so and that others are over; returns how many are new."""
    mail_ids = [await outbox.queue(conn, draft, now) for draft in drafts]
    await conn.execute(
        """
        update operator_condition
        set told_at = $2, told_mail_id = (select mail_id from mail where message_id = $3)
        where condition_id = any($1::bigint[])
        """,
        notified,
        now,
        drafts[0].message_id,
    )
    await conn.execute(
        "update operator_condition set ended_told_at = $2 where condition_id = any($1::bigint[])", ended, now
    )
    return sum(mail_id is not None for mail_id in mail_ids)


def _known(r: Record) -> KnownCondition:
    key = ConditionKey(
        ConditionKind(r["kind"]),
        Platform(r["platform"]) if r["platform"] else None,
        r["place"],
        r["vantage"],
    )
    return KnownCondition(
        condition_id=r["condition_id"],
        condition=Condition(key, r["since"], r["sentence"], r["detail"], r["to_do"]),
        opened_at=r["opened_at"],
        told_at=r["told_at"],
        mail_id=r["told_mail_id"],
        mail_state=None if r["mail_state"] is None else MailState(r["mail_state"]),
        ended_at=r["ended_at"],
        end_sentence=r["end_sentence"],
    )
