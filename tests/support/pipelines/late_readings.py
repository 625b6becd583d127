"""Looks at accounts that come in whenever one wants: in order, or late."""

from collections.abc import Sequence
from datetime import datetime

from jobs.collect.late_readings import LateReport, record_late
from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.accounts import Account
from storage.model.core.availability import State
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import reading
from tests.support.seeds.single_rows import batch, roster_of


async def deliver(
    pool: Pool, shown: Sequence[tuple[Account, State]], at: datetime, now: datetime | None = None
) -> LateReport:
    """One answer of `at` about these accounts comes in at `now`; None: at once."""
    async with transaction(pool) as conn:
        roster = await roster_of(conn, [a for a, _ in shown], base=False)
    readings = {a.account_id: reading(a.native_id, state, at) for a, state in shown}
    return await record_late(pool, batch(roster, at), readings, ConfirmationRule(), lambda: now or at)
