"""The coverage of the watched accounts is that of all, also where they were in other rosters long before."""

from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from storage.model.core.coverage_gaps import Seen
from storage.postgres.pool import Conn, Pool, transaction
from storage.readings.coverage_report import CoverageReport, live_coverage, watched_coverage
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import batch, enlist, read, roster_of

DAY = 24 * 60
GAP = timedelta(minutes=60)
NOW = 10 * DAY


async def both(conn: Conn, since: float, now: float = NOW) -> tuple[CoverageReport, CoverageReport]:
    window = minutes(since), minutes(now), GAP
    return await live_coverage(conn, *window), await watched_coverage(conn, *window)


async def retire(conn: Conn, roster_id: int, at: float) -> None:
    await conn.execute("update roster set retired_at = $2 where roster_id = $1", roster_id, minutes(at))


HOURS = st.integers(0, 10 * 24 - 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rosters=st.lists(
        st.tuples(
            st.sets(st.integers(0, 3), min_size=1),
            st.lists(HOURS, max_size=6, unique=True),
            st.none() | HOURS,
        ),
        max_size=6,
        unique_by=lambda one: tuple(sorted(one[0])),
    ),
    since=HOURS,
)
@example(rosters=[({1}, [0], None), ({0, 1, 2}, [1], 1)], since=26).via("a roster that is in use again")
async def test_in_any_order_of_rosters_the_watched_accounts_are_seen_as_among_all(
    pool: Pool, rosters: list[tuple[set[int], list[int], int | None]], since: int
) -> None:
    async with transaction(pool) as conn:
        undone = conn.transaction()
        await undone.start()
        accounts = await enlist(conn, X, ["1", "2", "3", "4"])
        for members, hours, retired in rosters:
            roster = await roster_of(conn, [accounts[n] for n in sorted(members)])
            asked = [h for h in hours if retired is None or h <= retired]
            for hour in sorted(asked):
                await read(conn, batch(roster, minutes(60 * hour)))
            if retired is not None:
                await retire(conn, roster.roster_id, 60 * retired + 1)
        every, watched = await both(conn, 60 * since)
        await undone.rollback()
    assert ever_read(every) == ever_read(watched)
    assert all(g.until and g.until > minutes(60 * since) for seen in every.seen.values() for g in seen.gaps)
    assert every.outages == watched.outages


def ever_read(report: CoverageReport) -> dict[int, Seen]:
    """What is said of the accounts that were read at all."""
    return {account_id: seen for account_id, seen in report.seen.items() if seen.last is not None}
