"""What is stored, decided on again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from jobs.alerting.rules_file import FileRule
from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.replay.replay import IN_FORCE, Redecided, redecide
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.reevaluation import Effect
from storage.postgres.pool import Pool, open_pool
from storage.postgres.replica import snapshot

EARLY = ConfirmationRule(strong_readings=1)


async def again(
    pool: Pool,
    since: datetime,
    until: datetime,
    rule: ConfirmationRule = IN_FORCE,
    rules: Sequence[AlertRule] | None = None,
) -> Redecided:
    """Decide on a time again, in a transaction that can write nothing."""
    others = None if rules is None else [FileRule(1, r, enabled=True) for r in rules]
    async with snapshot(pool) as conn:
        return await redecide(conn, since, until, rule, others)


def effects(found: Redecided) -> Mapping[Effect, int]:
    """How many changes come out otherwise, by how."""
    return {effect: n for effect, n in found.compared.counts.items() if n}


async def require_the_same(dsn: str, plan: SimulationPlan, readings: int) -> None:
    """By the rules in force, every change of a rehearsal comes out as it is stored; and of parts of it."""
    whole = plan.end - plan.start
    async with open_pool(dsn, max_size=1) as pool:
        for since, until in (
            (plan.start, plan.end + timedelta.resolution),
            (plan.start + whole * 0.31, plan.start + whole * 0.57),
            (plan.start + whole / 2, plan.end),
        ):
            found = await again(pool, since, until)
            assert found.compared.differences == ()
            assert found.mails.differences == ()
            assert found.mails.decisions_otherwise == 0
            if since == plan.start:
                assert found.mails.decisions_same > 0
                # Two answers at one instant are one reading here.
                assert 0.95 * readings <= found.courses.readings <= readings
        early = await again(pool, plan.start, plan.end, EARLY)
    assert early.compared.counts[Effect.EARLIER] > 10
    assert early.compared.unexplained == 0
