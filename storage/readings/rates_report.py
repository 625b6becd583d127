"""Request rates for pages: requests, readings and misses in the last hour and day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class RequestTally:
    """The results of the requests of one period."""

    requests: int
    readings: int
    """Conclusive answers about single accounts, without control accounts."""
    missed: tuple[tuple[MissedReason, int], ...]
    """Attempts for single accounts that gave no reading, by reason, most frequent first."""

    @property
    def missed_in_all(self) -> int:
        return sum(n for _, n in self.missed)


@dataclass(frozen=True, slots=True)
class Rate:
    """The requests to one platform from one vantage point, over all servers of the platform."""

    platform: Platform
    vantage: str
    """The vantage point; empty for the installation's own connection."""
    hour: RequestTally
    day: RequestTally


async def rates(conn: Conn, now: datetime) -> list[Rate]:
    """The rates of every platform and vantage point that was asked in the 24 hours before `now`. Re-reads are
    included.
    """
    await with_archived(conn, now - timedelta(days=1), now)
    rows = await conn.fetch(
        """
        with asked as (
            select r.platform, r.vantage, c.outcome, c.missed_reason, c.answered, c.missed,
                cardinality(r.account_ids) as members,
                c.observed_at > $1::timestamptz - interval '1 hour' as lately
            from coverage c join roster r using (roster_id)
            where c.observed_at > $1::timestamptz - interval '24 hours' and c.observed_at <= $1
        ),
        part as (
            select platform, vantage, lately, 'request' as what, 1 as n from asked
            union all
            select platform, vantage, lately, 'reading',
                case when answered is null then members else bit_count(answered)::int end
            from asked where outcome = 0
            union all
            select platform, vantage, lately, coalesce(missed_reason, 'unclassified'), members
            from asked where outcome = 1
            union all
            select platform, vantage, lately, 'held', members from asked where outcome = 2
            union all
            select platform, vantage, lately, reason.key, jsonb_array_length(reason.value)
            from asked cross join lateral jsonb_each(missed) as reason
            where outcome = 0 and missed is not null
        )
        select platform, vantage, what, sum(n)::bigint as day,
            coalesce(sum(n) filter (where lately), 0)::bigint as hour
        from part group by 1, 2, 3 order by 1, 2, 3
        """,
        now,
    )
    found: dict[tuple[str, str], list[Record]] = {}
    for row in rows:
        found.setdefault((row["platform"], row["vantage"]), []).append(row)
    return [
        Rate(
            Platform(platform),
            vantage,
            _tally((r["what"], r["hour"]) for r in group),
            _tally((r["what"], r["day"]) for r in group),
        )
        for (platform, vantage), group in found.items()
    ]


def _tally(counted: Iterable[tuple[str, int]]) -> RequestTally:
    by = dict(counted)
    requests, readings = by.pop("request", 0), by.pop("reading", 0)
    missed = sorted(((MissedReason(what), n) for what, n in by.items() if n), key=lambda m: (-m[1], m[0]))
    return RequestTally(requests, readings, tuple(missed))
