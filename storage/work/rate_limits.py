"""What platforms let one credential or one address ask, kept where all who use it can see it.

The rules are `storage.model.limits.rate_limits`. A call reads, decides and writes only if nobody else wrote
since, else it begins anew: no lock is held while a machine is busy, or gone. To be called outside of
transactions.
"""

from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Any

from storage.model.core.accounts import Platform
from storage.model.limits import rate_limits
from storage.model.limits.rate_limits import (
    BudgetBasis,
    BudgetDecision,
    BudgetPace,
    BudgetState,
    NamedBudget,
    Stated,
)
from storage.postgres.pool import Conn


async def take(conn: Conn, name: str, platform: Platform, now: datetime, pace: BudgetPace) -> BudgetDecision:
    """Ask for one request of a budget; it counts as used from now on."""
    while True:
        budget = await _read(conn, name)
        taken, verdict = rate_limits.take(budget, now, pace)
        if taken is budget or await _write(conn, name, platform, now, taken, budget.version):
            return verdict


async def note(
    conn: Conn, name: str, platform: Platform, number: int, stated: Stated | None, now: datetime
) -> None:
    """Take in the answer to request `number` of a budget; None when none came."""
    while True:
        budget = await _read(conn, name)
        noted = rate_limits.note(budget, number, stated, now)
        if noted is budget or await _write(conn, name, platform, now, noted, budget.version):
            return


async def budgets(conn: Conn) -> list[NamedBudget]:
    """All of them, by platform and name."""
    rows = await conn.fetch(
        """
        select budget, platform, taken_at,
            basis, until, most, left_over, probe, probe_until, busy_until, version
        from budget order by platform, budget
        """
    )
    return [
        NamedBudget(r["budget"], Platform(r["platform"]), r["taken_at"], _state(*tuple(r)[3:])) for r in rows
    ]


async def forget_unused(conn: Conn, for_so_long: timedelta) -> None:
    """Those of which nobody took a request for so long; what was known of them is over long before."""
    await conn.execute("delete from budget where taken_at < clock_timestamp() - $1::interval", for_so_long)


async def _read(conn: Conn, name: str) -> BudgetState:
    row = await conn.fetchrow(
        """
        select basis, until, most, left_over, probe, probe_until, busy_until, version
        from budget where budget = $1
        """,
        name,
    )
    return BudgetState() if row is None else _state(*row)


def _state(basis: str, *others: Any) -> BudgetState:
    return BudgetState(BudgetBasis(basis), *others)


async def _write(
    conn: Conn, name: str, platform: Platform, now: datetime, budget: BudgetState, version: int
) -> bool:
    """False when somebody else was first."""
    done = await conn.execute(
        """
        insert into budget (
            budget, platform, taken_at, basis, until, most, left_over, probe, probe_until, busy_until, version
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (budget) do update set
            taken_at = excluded.taken_at, basis = excluded.basis, until = excluded.until,
            most = excluded.most, left_over = excluded.left_over, probe = excluded.probe,
            probe_until = excluded.probe_until, busy_until = excluded.busy_until, version = excluded.version
        where budget.version = $12
        """,
        name,
        platform.value,
        now,
        *astuple(budget),
        version,
    )
    return done == "INSERT 0 1"
