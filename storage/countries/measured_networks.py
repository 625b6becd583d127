"""OONI's measurements of how a country's networks reach platforms: the counts, and when they were read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from storage.model.core.reachability import (
    JUDGED,
    MeasuredDay,
    RecordedDay,
    UnreachablePeriod,
    unreachable_periods,
)
from storage.model.platforms.registry import DECLARED, MEASURED_DOMAINS
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class NetworkReads:
    """How far the measurements from one country were read."""

    first_at: datetime
    """The first time that they were asked for."""
    last_at: datetime
    """The last time."""
    failure: str | None
    """Why that had no answer. None: it had one."""
    answered_at: datetime | None
    """The last time that there was an answer. None: there never was."""
    first_day: date | None
    """The first day that was ever answered for."""


async def record_days(
    conn: Conn, country: str, asked: tuple[date, date], days: Sequence[MeasuredDay], now: datetime
) -> None:
    """Store an answer about the days from the first of `asked` to before the second. Of counts that are as
    they were known before, nothing is stored again.
    """
    at = await moment(conn, lambda: now)
    await _record_read(conn, country, asked, None, at)
    known = set(await measured_days(conn, country, *asked))
    await conn.copy_records_to_table(
        "network_day",
        records=[
            (country, one.domain, one.day, at, one.confirmed, one.anomaly, one.failure, one.ok)
            for one in days
            if one not in known
        ],
        columns=("country", "domain", "day", "recorded_at", "confirmed", "anomaly", "failure", "ok"),
    )


async def record_failure(
    conn: Conn, country: str, asked: tuple[date, date], failure: str, now: datetime
) -> None:
    """Store that there was no answer, and why."""
    await _record_read(conn, country, asked, failure, await moment(conn, lambda: now))


async def measured_days(
    conn: Conn, country: str, since: date, until: date, known_at: datetime | None = None
) -> list[MeasuredDay]:
    """The days with measurements from `since` to before `until`, by domain and day: as they are known now, or
    were at a time. A day that is not there had none, or was never read: see `network_reads`.
    """
    rows = await conn.fetch(
        """
        select distinct on (domain, day) domain, day, confirmed, anomaly, failure, ok from network_day
        where country = $1 and day >= $2 and day < $3 and ($4::timestamptz is null or recorded_at <= $4)
        order by domain, day, recorded_at desc
        """,
        country,
        since,
        until,
        known_at,
    )
    return [MeasuredDay(*row) for row in rows]


async def platforms_unreachable(
    conn: Conn, since: datetime, until: datetime, countries: Collection[str] | None = None
) -> list[UnreachablePeriod]:
    """When from `since` to `until` platforms were known to be mostly unreachable from countries; None means
    all countries.
    """
    rows = await conn.fetch(
        """
        select country, recorded_at, domain, day, confirmed, anomaly, failure, ok from network_day
        where ($1::text[] is null or country = any($1)) and domain = any($2::text[]) and day >= $3
            and recorded_at <= $4
        """,
        None if countries is None else list(countries),
        MEASURED_DOMAINS,
        since.astimezone(UTC).date() - JUDGED,
        until,
    )
    recorded = [RecordedDay(country, at, MeasuredDay(*rest)) for country, at, *rest in rows]
    domains = {platform: declared.measured_domains for platform, declared in DECLARED.items()}
    return unreachable_periods(recorded, domains, since, until)


async def network_reads(
    conn: Conn, countries: Collection[str] | None = None, known_at: datetime | None = None
) -> dict[str, NetworkReads]:
    """How far each country was read, as of now or of a time. A country that was never asked for is left out.
    None means all countries.
    """
    rows = await conn.fetch(
        """
        select country, min(recorded_at) as first_at, max(recorded_at) as last_at,
            (array_agg(failure order by recorded_at desc))[1] as failure,
            max(recorded_at) filter (where failure is null) as answered_at,
            min(since) filter (where failure is null) as first_day
        from network_read
        where ($1::text[] is null or country = any($1)) and ($2::timestamptz is null or recorded_at <= $2)
        group by country
        """,
        None if countries is None else list(countries),
        known_at,
    )
    return {
        r["country"]: NetworkReads(
            r["first_at"], r["last_at"], r["failure"], r["answered_at"], r["first_day"]
        )
        for r in rows
    }


async def _record_read(
    conn: Conn, country: str, asked: tuple[date, date], failure: str | None, at: datetime
) -> None:
    await conn.execute(
        "insert into network_read (country, recorded_at, since, until, failure) values ($1, $2, $3, $4, $5)",
        country,
        at,
        *asked,
        failure,
    )
