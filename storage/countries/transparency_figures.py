"""Published figures of legal demands: added once, never overwritten."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from storage.model.core.accounts import Platform
from storage.model.orders.transparency_figures import Key, TransparencyReport
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment


async def stored_reports(conn: Conn, brought: Sequence[TransparencyReport]) -> dict[Key, TransparencyReport]:
    """What the same sources say already of the same matters. Nobody adds any until the transaction ends."""
    await conn.execute("lock table transparency_report in share row exclusive mode")
    keys = {report.key for report in brought}
    return {report.key: report for report in await reports(conn) if report.key in keys}


async def add_reports(conn: Conn, new: Sequence[TransparencyReport], now: datetime) -> None:
    """Store figures on matters of which their sources said nothing yet. Raises Refused when one did."""
    now = await moment(conn, lambda: now)
    await conn.copy_records_to_table(
        "transparency_report",
        records=[
            (
                r.platform.value,
                r.period,
                r.country,
                r.source,
                r.iso2,
                r.court_orders,
                r.other_legal_demands,
                r.total_demands,
                r.accounts_specified,
                r.accounts_withheld,
                r.tweets_withheld,
                r.accounts_tos,
                r.pct_some_withheld,
                r.source_url,
                now,
            )
            for r in new
        ],
        columns=(
            "platform",
            "period",
            "country",
            "source",
            "iso2",
            "court_orders",
            "other_legal_demands",
            "total_demands",
            "accounts_specified",
            "accounts_withheld",
            "tweets_withheld",
            "accounts_tos",
            "pct_some_withheld",
            "source_url",
            "imported_at",
        ),
    )


async def reports(
    conn: Conn, *, iso2: str | None = None, source: str | None = None, known_at: datetime | None = None
) -> list[TransparencyReport]:
    """The figures by period, country and source; of one country or one source, or as known at a time.

    Sources overlap: never sum over them, nor the country `(world)` with the others.
    """
    rows = await conn.fetch(
        """
        select platform, period, country, source, iso2, court_orders, other_legal_demands, total_demands,
            accounts_specified, accounts_withheld, tweets_withheld, accounts_tos, pct_some_withheld,
            source_url
        from transparency_report
        where ($1::text is null or iso2 = $1) and ($2::text is null or source = $2)
            and ($3::timestamptz is null or imported_at <= $3)
        order by period, country, source, platform
        """,
        iso2,
        source,
        known_at,
    )
    return [_report(r) for r in rows]


def _report(r: Record) -> TransparencyReport:
    return TransparencyReport(
        platform=Platform(r["platform"]),
        period=r["period"],
        country=r["country"],
        source=r["source"],
        iso2=r["iso2"],
        court_orders=r["court_orders"],
        other_legal_demands=r["other_legal_demands"],
        total_demands=r["total_demands"],
        accounts_specified=r["accounts_specified"],
        accounts_withheld=r["accounts_withheld"],
        tweets_withheld=r["tweets_withheld"],
        accounts_tos=r["accounts_tos"],
        pct_some_withheld=r["pct_some_withheld"],
        source_url=r["source_url"],
    )
