"""Looks at accounts that come in whenever one wants: in order, or late."""

from collections.abc import Sequence
from datetime import datetime

from jobs.confirm import ConfirmationRule
from jobs.late import LateReport, record_late
from storage.db import Pool, transaction
from storage.model.accounts import Account
from storage.model.availability import State
from tests.factories import reading
from tests.seed_rows import batch, roster_of


async def deliver(
    pool: Pool, shown: Sequence[tuple[Account, State]], at: datetime, now: datetime | None = None
) -> LateReport:
    """One answer of `at` about these accounts comes in at `now`; None: at once."""
    async with transaction(pool) as conn:
        roster = await roster_of(conn, [a for a, _ in shown], base=False)
    readings = {a.account_id: reading(a.native_id, state, at) for a, state in shown}
    return await record_late(pool, batch(roster, at), readings, ConfirmationRule(), now or at)
