"""A published crawl of withheld accounts is stored once, mails nobody and claims no look it did not take.

The real file is used where it is at hand: in `TEST_SHARED_DATA`, else in `shared/data` beside the
checkout. It is never part of the project.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.imports.published_records import import_record
from jobs.imports.withheld_crawl import read_crawl
from storage.changes.rebuild import rebuild
from storage.imports.imports import import_history
from storage.postgres.pool import Pool, transaction

CRAWL = (Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv").read_text()
"""Invented accounts, 101 to 107."""
HEADER = CRAWL.splitlines(keepends=True)[0]


def start(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def end(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


LATER = "platform,account_id,handle,at,status,withheld_in\n"


@pytest.mark.parametrize("crawl_first", [True, False])
async def test_a_crawl_beside_another_record_claims_no_time_and_no_order_that_it_does_not_tell(
    pool: Pool, now: datetime, *, crawl_first: bool
) -> None:
    crawl = (
        HEADER
        + "2018-01-11,12,bb,TR,withheld,withheld,TR,TR,10,2015\n"
        + "2017-10-02,11,aa,DE,withheld,withheld,DE,DE,10,2015\n"
    )
    other = LATER + "x,12,bb,2018-01-11T12:00:00Z,available,\nx,11,aa,2018-01-12T00:00:30Z,available,\n"
    for text in (crawl, other) if crawl_first else (other, crawl):
        await import_record(
            pool,
            text.encode(),
            "h.csv",
            now,
            lambda _: None,
            source="crawl" if text == crawl else "other",
            list_name=None,
            partial=False,
        )
    rows = await pool.fetch(
        """
        select native_id, status, onset_after, lower(valid) as since, upper(valid) as until
        from spell join account using (account_id) where upper_inf(recorded) order by native_id, lower(valid)
        """
    )
    seen_back = datetime(2018, 1, 12, 0, 0, 30, tzinfo=UTC)
    assert [tuple(r) for r in rows] == [
        ("11", "withheld", None, end(2017, 10, 2), seen_back),
        ("11", "available", start(2018, 1, 11), seen_back, None),
        ("12", "available", None, datetime(2018, 1, 11, 12, tzinfo=UTC), None),
    ]
    async with transaction(pool) as conn:
        assert not (await rebuild(conn)).differs


async def test_an_import_that_fails_leaves_nothing_behind(pool: Pool, now: datetime) -> None:
    history = read_crawl(CRAWL.encode(), "crawl.csv").history
    broken = replace(history, looks=(replace(history.looks[0], answered=("999",)),))
    with pytest.raises(KeyError):
        async with transaction(pool) as conn:
            await import_history(conn, broken, now)
    assert await pool.fetchval("select count(*) from account") == 0
