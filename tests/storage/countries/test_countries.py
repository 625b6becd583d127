"""Countries: the age of what is counted, and platforms that could not be reached from one."""

from datetime import datetime, timedelta

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.countries.countries import CountryCount, by_country
from storage.countries.measured_networks import platforms_unreachable, record_days
from storage.imports.imports import import_history
from storage.model.bitemporal.imported_records import (
    ImportedHistory,
)
from storage.model.core.reachability import MeasuredDay, UnreachablePeriod
from storage.postgres.pool import Pool, transaction
from tests.jobs.notify.test_network_alerts import DAY, NOW, TODAY, measured

HOUR = timedelta(hours=1)


async def counted(pool: Pool, history: ImportedHistory, now: datetime) -> list[CountryCount]:
    async with transaction(pool) as conn:
        await import_history(conn, history, now)
        return await by_country(conn)


async def test_each_moment_is_judged_by_the_counts_that_were_stored_then(pool: Pool) -> None:
    async def read(country: str, days: list[MeasuredDay], at: datetime) -> None:
        async with transaction(pool) as conn:
            await record_days(conn, country, (TODAY - 9 * DAY, TODAY + DAY), days, at)

    await read("TR", measured("bad", "bad"), NOW)
    await read("IN", measured("bad", "bad", domain="bsky.app"), NOW + HOUR)
    await read("TR", measured("good"), NOW + 2 * HOUR)
    turkey = UnreachablePeriod(X, "TR", NOW, NOW + 2 * HOUR)
    async with transaction(pool) as conn:
        both = await platforms_unreachable(conn, NOW - DAY, NOW + 3 * HOUR)
        assert sorted(both, key=lambda one: one.since) == [
            turkey,
            UnreachablePeriod(BLUESKY, "IN", NOW + HOUR, None),
        ]
        assert await platforms_unreachable(conn, NOW - DAY, NOW + 3 * HOUR, {"TR", "DE"}) == [turkey]
        assert await platforms_unreachable(conn, NOW + HOUR, NOW + 3 * HOUR, {"TR"}) == [
            UnreachablePeriod(X, "TR", NOW + HOUR, NOW + 2 * HOUR)
        ], "days from before the time asked for decide too"
        assert await platforms_unreachable(conn, NOW - DAY, NOW + HOUR, {"TR"}) == [
            UnreachablePeriod(X, "TR", NOW, None)
        ], "what was recorded later was not known"
