"""Read model of the strip above the board: changes before the time that a page holds in full."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from storage.postgres.pool import Conn

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Steps begin at whole ones since then."""


@dataclass(frozen=True, slots=True)
class HistoryStrip:
    """Confirmed blocks and restorations of watched accounts, by the time at which they were first seen."""

    since: datetime
    step: timedelta
    blocked: tuple[int, ...]
    """One number for each step from `since` on."""
    restored: tuple[int, ...]


async def before(conn: Conn, since: datetime, until: datetime, step: timedelta) -> HistoryStrip:
    """The changes that stand, first seen from the whole step before `since` up to `until`."""
    since = _EPOCH + (since - _EPOCH) // step * step
    steps = max(0, -((since - until) // step))
    rows = await conn.fetch(
        """
        select floor(extract(epoch from c.first_seen_new - $1) / extract(epoch from $3::interval))::int as n,
            count(*) filter (where c.kind = 'block') as blocked,
            count(*) filter (where c.kind = 'restoration') as restored
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where o.outcome = 'confirmed' and a.watched and c.kind in ('block', 'restoration')
            and c.first_seen_new >= $1 and c.first_seen_new < $2
        group by 1
        """,
        since,
        until,
        step,
    )
    found = {r["n"]: r for r in rows}
    return HistoryStrip(
        since,
        step,
        tuple(found[n]["blocked"] if n in found else 0 for n in range(steps)),
        tuple(found[n]["restored"] if n in found else 0 for n in range(steps)),
    )
