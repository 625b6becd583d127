"""What a soak stored and sent, held against what really happened."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from collectors.simulator.history import HistoryAccount
from jobs.delivery.local_inbox import ReceivedMail
from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal import scoring
from storage.model.alerts.alerts import AlertDecision
from storage.model.alerts.rules import DEFAULT_KINDS
from storage.postgres.pool import Pool, transaction
from storage.readings import rehearsal_readback

_LONGEST_WAIT = timedelta(days=8)
"""Accounts that are gone wait for a catch-up digest, a week at most; protection has no rule by default."""
_TOLD = """
    select c.change_id, c.kind, a.native_id, max(al.decision) as decision, o.decided_at,
        count(m.message_id) filter (where m.state = 'sent') as mails
    from standing_change c join change_outcome o using (change_id) join account a using (account_id)
    join change same on same.account_id = c.account_id and same.change_key = c.change_key
    left join alert al on al.change_id = same.change_id and al.stage = 'confirmed'
    left join mail_alert using (alert_id) left join mail m using (mail_id)
    where o.outcome = 'confirmed' and c.kind <> 'baseline'
    group by c.change_id, c.kind, a.native_id, o.decided_at
"""
"""A correction that leaves the fact as it is, such as by a late reading that confirms it earlier, has no
alert of its own: that of the change that it corrects is the one.
"""


async def false_changes(
    pool: Pool, accounts: Sequence[HistoryAccount], start: datetime, end: datetime
) -> tuple[list[str], dict[str, int]]:
    """What is wrong about the changes of a soak, each in a line, and how many there were."""
    async with transaction(pool) as conn:
        readings = await rehearsal_readback.reading_times(conn)
        silences = await rehearsal_readback.silences(conn)
        confirmed = await rehearsal_readback.confirmed_changes(conn)
    lines = {a.native_id: scoring.shown(a) for a in accounts}
    lists = {a.native_id: tuple(f"{a.platform}:{name}" for name in a.lists) for a in accounts}
    ideal = scoring.observable(lines, lists, readings, ConfirmationRule(), silences)
    detected = [scoring.as_believed(c) for c in confirmed if c.native_id in lines]
    found = scoring.hold_against_truth(
        lines, ideal, detected, start, end, readings=readings, silences=silences
    )
    cases = {
        "false change": found.false,
        "wrong interval": found.wrong_interval,
        "not detected": found.unseen,
    }
    wrong = [f"{what}: {change}" for what, changes in cases.items() for change in changes]
    counts = {
        "changes_true": found.changes_true,
        "changes_observable": found.observable,
        "changes_detected": found.detected,
        "intervals_containing_truth": len(found.delays_s),
    } | {what.replace(" ", "_"): len(changes) for what, changes in cases.items()}
    return wrong, counts


async def wrong_mails(pool: Pool, received: Sequence[ReceivedMail], now: datetime) -> list[str]:
    """Mails that were lost, came twice or were never sent, and confirmed changes that are not in one mail."""
    copies = {mail.message_id: mail.copies for mail in received}
    sent = {r["message_id"] for r in await pool.fetch("select message_id from mail where state = 'sent'")}
    wrong = [f"mail {i} was sent and never came" for i in sorted(sent - copies.keys())]
    wrong += [f"mail {i} came and is not stored as sent" for i in sorted(copies.keys() - sent)]
    wrong += [f"mail {i} came {n} times" for i, n in sorted(copies.items()) if n != 1]
    for r in await pool.fetch(_TOLD):
        if not has_right_mails(r["kind"], r["decision"], r["mails"], now - r["decided_at"]):
            wrong.append(
                f"change {r['change_id']} ({r['kind']}) of {r['native_id']} was decided as {r['decision']} "
                f"and is in {r['mails']} mails"
            )
    return wrong


def has_right_mails(kind: str, decision: str | None, mails: int, waits: timedelta) -> bool:
    """Whether so many sent mails are right for a confirmed change that was decided like this, or not yet."""
    if decision is None or AlertDecision(decision).is_open:
        return mails == 0 and waits < _LONGEST_WAIT
    if AlertDecision(decision).is_sent:
        return mails == 1
    return mails == 0 and (decision != AlertDecision.NO_RULE or kind not in DEFAULT_KINDS)
