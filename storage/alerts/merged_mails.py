"""Queued mails that a later one makes pointless: found, and merged into one mail that says both.

A merged mail stays as it was written, and names the mail that says what it said.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from storage.alerts import outbox
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.waiting_mails import WaitingLine, WaitingMail
from storage.model.core.accounts import ListId
from storage.postgres.pool import Conn, StaleState


async def waiting_lines(conn: Conn) -> list[WaitingLine]:
    """The queued mails of each story to each recipient, where several of its waves wait for him.

    Webhooks are left out: programs count on one message for each wave.
    """
    rows = await conn.fetch(
        """
        with waiting as (
            select mail_id, message_id, kind, story_id, wave, uncertain_offers, recipients[1] as recipient
            from mail where state = 'queued' and story_id is not null and recipients[1] not like 'webhook:%'
        ),
        line as (
            select story_id, recipient from waiting where kind = 'wave' group by 1, 2 having count(*) > 1
        )
        select w.*, s.story_key, s.rule_id, s.list_id, told.alert_ids, told.account_ids,
            (
                with recursive part as (
                    select w.mail_id, w.wave
                    union all
                    select m.mail_id, m.wave from mail m join part on m.merged_into = part.mail_id
                )
                select min(wave) from part
            ) as first_wave,
            exists (
                select from story_wave r
                where r.story_id = w.story_id and r.in_round_up and r.wave < w.wave and r.wave > coalesce(
                    (
                        select max(b.wave) from waiting b
                        where b.story_id = w.story_id and b.recipient = w.recipient and b.wave < w.wave
                            and b.kind = 'wave'
                    ), 0
                )
            ) as follows_round_up,
            exists (
                select from mail other join mail_alert using (mail_id) join alert using (alert_id)
                    join change c using (change_id)
                where other.state = 'queued' and other.recipients[1] = w.recipient
                    and other.story_id is distinct from w.story_id
                    and c.account_id = any(told.account_ids) and alert.created_at > told.known_at
            ) as is_overtaken
        from line
        join waiting w using (story_id, recipient)
        join story s using (story_id)
        cross join lateral (
            select array_agg(alert_id order by alert_id) as alert_ids,
                array_agg(distinct account_id) as account_ids, max(alert.created_at) as known_at
            from mail_alert join alert using (alert_id) join change using (change_id)
            where mail_alert.mail_id = w.mail_id
        ) told
        order by w.story_id, w.recipient, w.mail_id
        """
    )
    return [
        WaitingLine(
            story_id,
            members[0]["story_key"],
            members[0]["rule_id"],
            None if members[0]["list_id"] is None else ListId(members[0]["list_id"]),
            recipient,
            tuple(
                WaitingMail(
                    mail_id=r["mail_id"],
                    message_id=r["message_id"],
                    kind=MailKind(r["kind"]),
                    wave=r["wave"] or 0,
                    first_wave=r["first_wave"] or 0,
                    alert_ids=tuple(r["alert_ids"] or ()),
                    accounts=frozenset(r["account_ids"] or ()),
                    is_uncertain=r["uncertain_offers"] > 0,
                    follows_round_up=r["follows_round_up"],
                    is_overtaken=r["is_overtaken"],
                )
                for r in members
            ),
        )
        for (story_id, recipient), found in groupby(rows, key=lambda r: (r["story_id"], r["recipient"]))
        for members in [list(found)]
    ]


async def merge(
    conn: Conn, line: WaitingLine, pointless: Sequence[WaitingMail], draft: MailDraft, now: datetime
) -> None:
    """Queue the mail that says what these mails say, in the place of the oldest of them.

    Raises `StaleState` when somebody handed one of them to a server meanwhile, or a mail of the same
    Message-ID is stored already: the part of the transaction must then be undone.
    """
    ids = [mail.mail_id for mail in pointless]
    locked = await conn.fetch(
        """
        select mail_id, next_attempt_at from mail
        where mail_id = any($1::bigint[]) and state = 'queued' and uncertain_offers = 0
        order by mail_id for update skip locked
        """,
        ids,
    )
    if len(locked) != len(ids):
        raise StaleState("A mail can no longer be merged, because its delivery has begun or ended.")
    await outbox.announce(conn)
    wave = max(mail.wave for mail in pointless)
    mail_id = await outbox.queue(conn, draft, now, line.story_id, wave)
    if mail_id is None:
        raise StaleState(f"A mail with the Message-ID {draft.message_id} is already stored.")
    await conn.execute(
        "insert into mail_alert (mail_id, alert_id) select $1, unnest($2::bigint[])",
        mail_id,
        sorted({alert_id for mail in pointless for alert_id in mail.alert_ids}),
    )
    await conn.execute(
        "update mail set next_attempt_at = $2 where mail_id = $1", mail_id, locked[0]["next_attempt_at"]
    )
    await conn.execute(
        """
        update mail set state = 'merged', merged_into = $2, next_attempt_at = null, last_error = null
        where mail_id = any($1::bigint[])
        """,
        ids,
        mail_id,
    )
