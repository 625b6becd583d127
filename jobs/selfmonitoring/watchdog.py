"""The monitor watches itself: its troubles are noticed, kept, and told to the operators."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.operator_mail import news, operator_mail
from storage.health import conditions as stored
from storage.health.checks import checks, ending, unexplained
from storage.health.condition_facts import ConditionFacts, Thresholds, condition_facts
from storage.health.conditions import EndedCondition
from storage.model.alerts.conditions import Condition, KnownCondition
from storage.postgres.pool import Conn, Pool, transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConditionReport:
    begun: int
    """Conditions noticed for the first time."""
    over: int
    """Conditions noticed to be over."""
    mails: int
    """Mails newly queued: one for each operator."""


async def tick(pool: Pool, now: datetime, head: Letterhead, thresholds: Thresholds) -> ConditionReport:
    """Look at everything once and tell what is to be told. Any number of notifiers may do so at once.

    Without operators troubles are kept and shown, and nobody is told.
    """
    async with transaction(pool) as conn:
        await stored.take_turn(conn)
        await stored.note_run(conn, now)
        await stored.note_dead_letters(conn, now)
        facts = await condition_facts(conn, now, thresholds)
        begun, ended = await _notice(conn, facts, thresholds)
        mails = await _notify(conn, now, head, thresholds)
    for one in begun:
        log.warning("%s.", one.sentence, extra={"event": "condition_began"})
    for one in ended:
        log.info("%s.", one.sentence, extra={"event": "condition_ended"})
    return ConditionReport(len(begun), len(ended), mails)


async def _notice(
    conn: Conn, facts: ConditionFacts, thresholds: Thresholds
) -> tuple[Sequence[Condition], Sequence[EndedCondition]]:
    """Keep what began, what changed and what ended since the last time; returns what began and what ended."""
    found = checks(facts, thresholds)
    present = {k.condition.key: k for k in await stored.open_conditions(conn)}
    begun = [c for c in unexplained(found) if c.key not in present]
    changed = [
        (present[c.key].condition_id, c) for c in found if c.key in present and _differs(present[c.key], c)
    ]
    keys = {c.key for c in found}
    ended = [
        EndedCondition(k.condition_id, ending(key, facts, thresholds))
        for key, k in present.items()
        if key not in keys
    ]
    await stored.save(conn, begun, changed, ended, facts.at)
    return begun, ended


def _differs(known: KnownCondition, found: Condition) -> bool:
    was = known.condition
    return (was.sentence, was.detail, was.to_do) != (found.sentence, found.detail, found.to_do)


async def _notify(conn: Conn, now: datetime, head: Letterhead, thresholds: Thresholds) -> int:
    if not head.operators:
        return 0
    report = news(await stored.unsettled(conn), await stored.last_notified(conn), now, thresholds)
    if report is None:
        return 0
    drafts = [operator_mail(report, to, thresholds, head) for to in sorted(set(head.operators))]
    return await stored.tell(
        conn,
        drafts,
        [k.condition_id for k in report.open],
        [k.condition_id for k in report.over],
        now,
    )
