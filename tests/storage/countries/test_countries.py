"""Countries: how much of what is counted is only the last that was known, and how old it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.x.declaration import X
from jobs.imports.withheld_crawl import read_crawl
from storage.countries.countries import CountryCount, by_country
from storage.imports.imports import import_history
from storage.model.bitemporal.imported_records import (
    ImportedAccount,
    ImportedBatch,
    ImportedChange,
    ImportedHistory,
)
from storage.model.core.availability import EVERYWHERE, Missed, MissedReason, State, Status, Strength
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import WITHHELD_IN, minutes
from tests.support.seeds.changes import become, enlist, roster_of
from tests.support.seeds.posts import turn_into_posts

CRAWL = Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv"
HOUR = timedelta(hours=1)


def end(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


async def counted(pool: Pool, history: ImportedHistory, now: datetime) -> list[CountryCount]:
    async with transaction(pool) as conn:
        await import_history(conn, history, now)
        return await by_country(conn)


def withheld(
    country: str, at: datetime, old: State | None = None, last_seen_old: datetime | None = None
) -> ImportedChange:
    state = State(Status.WITHHELD, (country,))
    return ImportedChange("1", old, state, Strength.STRONG, last_seen_old, at, 1, at, b"evidence")


def record(changes: tuple[ImportedChange, ...], looks: tuple[ImportedBatch, ...]) -> ImportedHistory:
    return ImportedHistory("record", "List", X, (ImportedAccount("1", "a"),), changes, looks)


async def test_a_country_that_nobody_was_withheld_in_is_not_counted(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await by_country(conn) == []


async def test_what_is_only_last_known_is_counted_apart_and_every_count_is_dated(
    pool: Pool, now: datetime
) -> None:
    last = end(2018, 1, 11)
    assert await counted(pool, read_crawl(CRAWL.read_bytes(), "crawl.csv").history, now) == [
        CountryCount("DE", 3, 2, 0, 1, end(2017, 10, 3), last),
        CountryCount("FR", 2, 1, 0, 1, end(2017, 10, 4), last),
        CountryCount("GB", 1, 1, 0, 0, last, last),
        CountryCount("IN", 1, 0, 0, 1, last, last),
        CountryCount("RU", 1, 0, 1, 0, last, last),
        CountryCount("TR", 1, 0, 1, 0, last, last),
    ]


async def test_withheld_everywhere_is_withheld_in_the_country_too(pool: Pool, now: datetime) -> None:
    later = now + timedelta(days=1)
    first = withheld("IN", now)
    second = withheld(EVERYWHERE, later, first.new, now)
    looks = tuple(ImportedBatch(at - HOUR, at, 0, ("1",)) for at in (now, later))
    assert await counted(pool, record((first, second), looks), later) == [
        CountryCount("IN", 1, 1, 0, 0, later, later),
        CountryCount(EVERYWHERE, 1, 1, 0, 0, later, later),
    ]


async def test_a_look_that_told_nothing_does_not_make_the_last_reading_any_newer(
    pool: Pool, now: datetime
) -> None:
    later = now + timedelta(days=1)
    failed = ImportedBatch(now, later, 0, (), (Missed("1", later, MissedReason.UNCLASSIFIED),))
    history = record((withheld("IN", now),), (ImportedBatch(now - HOUR, now, 0, ("1",)), failed))
    assert await counted(pool, history, later) == [CountryCount("IN", 1, 0, 0, 1, now, now)]


async def test_posts_among_what_was_withheld_are_counted(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        roster = await roster_of(conn, [one, two])
        for account in (one, two):
            await become(conn, roster, account, None, WITHHELD_IN, minutes(account.account_id))
        await turn_into_posts(conn, [two.account_id])
        (found,) = await by_country(conn)
    assert (found.country, found.pairs_ever, found.posts) == ("IN", 2, 1)
