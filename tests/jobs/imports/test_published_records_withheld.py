"""A published crawl of withheld accounts is stored once, mails nobody and claims no look it did not take.

The real file is used where it is at hand: in `TEST_SHARED_DATA`, else in `shared/data` beside the
checkout. It is never part of the project.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from jobs.imports.published_records import import_record
from jobs.imports.withheld_crawl import read_crawl
from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.rebuild import rebuild
from storage.countries.countries import by_country
from storage.imports.imports import ImportResult, import_history
from storage.model.core.availability import State, Status
from storage.postgres.pool import Pool, transaction
from storage.readings.coverage import last_readings

CRAWL = (Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv").read_text()
"""Invented accounts, 101 to 107."""
HEADER = CRAWL.splitlines(keepends=True)[0]


def start(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def end(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


@pytest.fixture(scope="session")
def real_crawl() -> bytes:
    beside = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("TEST_SHARED_DATA") or beside) / "withheld_2018.csv"
    if not path.is_file():
        pytest.skip(f"the real crawl is not at {path}; name its folder in TEST_SHARED_DATA")
    return path.read_bytes()


async def imported(pool: Pool, text: str | bytes, now: datetime) -> ImportResult:
    content = text.encode() if isinstance(text, str) else text
    async with transaction(pool) as conn:
        return await import_history(conn, read_crawl(content, "crawl.csv").history, now)


TABLES = (
    "select (select count(*) from account) + (select count(*) from watch_list_member), "
    "(select count(*) from change) + (select count(*) from change_outcome), "
    "(select count(*) from spell), (select count(*) from roster) + (select count(*) from coverage), "
    "(select count(*) from evidence) + (select count(*) from live_event)"
)


async def test_importing_the_same_file_again_stores_nothing_and_says_so(pool: Pool, now: datetime) -> None:
    first = await imported(pool, CRAWL, now)
    assert (first.accounts, first.changes, first.is_repeat) == (7, 10, False)
    before = await pool.fetchrow(TABLES)
    again = await imported(pool, CRAWL, now + timedelta(days=1))
    assert again == ImportResult(0, 0, 0)
    assert again.is_repeat
    assert await pool.fetchrow(TABLES) == before


async def test_changes_are_kept_under_the_name_of_the_record_and_mail_nobody(
    pool: Pool, now: datetime
) -> None:
    await imported(pool, CRAWL, now)
    rows = await pool.fetch(
        """
        select distinct source, outcome, reason, decided_at from change join change_outcome using (change_id)
        """
    )
    assert [tuple(r) for r in rows] == [("import:crawl", "confirmed", "imported", now)]
    assert await pool.fetchval("select count(*) from alert") == 0
    assert await pool.fetchval("select count(*) from pending_change") == 0
    assert not await pool.fetchval("select bool_or(watched) from account")
    names = await pool.fetch(
        "select name, count(*) from watch_list join watch_list_member using (list_id) group by 1"
    )
    assert [tuple(r) for r in names] == [("Withheld 2017-18 crawl", 7)]


@pytest.mark.parametrize(
    ("native_id", "kinds"),
    [
        ("101", ["baseline", "partial"]),
        ("102", ["baseline", "restoration"]),
        ("103", ["baseline"]),
        ("105", ["baseline", "partial"]),
    ],
)
async def test_spells_follow_the_changes_and_the_last_one_stands(
    pool: Pool, now: datetime, native_id: str, kinds: list[str]
) -> None:
    await imported(pool, CRAWL, now)
    rows = await pool.fetch(
        """
        select c.kind, s.onset_after, lower(s.valid) as since, upper(s.valid) as until,
            lower(s.recorded) as known, c.first_seen_new, c.last_seen_old
        from spell s join change c using (change_id) join account a on a.account_id = s.account_id
        where a.native_id = $1 order by lower(s.valid)
        """,
        native_id,
    )
    assert [r["kind"] for r in rows] == kinds
    assert [r["until"] for r in rows] == [*(r["since"] for r in rows[1:]), None]
    assert all((r["since"], r["onset_after"]) == (r["first_seen_new"], r["last_seen_old"]) for r in rows)
    assert {r["known"] for r in rows} == {now}


async def test_the_last_reading_of_an_account_is_never_the_end_that_missed_it(
    pool: Pool, now: datetime
) -> None:
    await imported(pool, CRAWL, now)
    async with transaction(pool) as conn:
        readings = await last_readings(conn, X)
    ids = {
        r["account_id"]: r["native_id"] for r in await pool.fetch("select account_id, native_id from account")
    }
    assert {ids[i]: (r.asked_at, r.at) for i, r in readings.items()} == {
        "101": (start(2018, 1, 11), end(2018, 1, 11)),
        "102": (start(2018, 1, 11), end(2018, 1, 11)),
        "103": (start(2017, 10, 3), end(2017, 10, 3)),
        "104": (start(2017, 10, 4), end(2017, 10, 4)),
        "105": (start(2018, 1, 11), end(2018, 1, 11)),
        "106": (start(2018, 1, 11), end(2018, 1, 11)),
        "107": (start(2018, 1, 11), end(2018, 1, 11)),
    }


async def test_a_longer_version_of_a_crawl_adds_to_it_and_the_old_belief_is_kept(
    pool: Pool, now: datetime
) -> None:
    short = HEADER + "2017-10-02,101,grows,DE,withheld,withheld,DE,DE,10,2015\n"
    await imported(pool, short, now)
    later = now + timedelta(days=1)
    more = await imported(pool, CRAWL, later)
    assert (more.accounts, more.changes) == (6, 9)
    rows = await pool.fetch(
        """
        select withheld_in, upper(valid) as until, lower(recorded) as known, upper(recorded) as superseded
        from spell join account using (account_id) where native_id = '101'
        order by lower(recorded), lower(valid)
        """
    )
    assert [tuple(r) for r in rows] == [
        (["DE"], None, now, later),
        (["DE"], end(2017, 10, 16), later, None),
        (["DE", "FR"], None, later, None),
    ]


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


async def test_an_account_that_is_watched_already_keeps_its_handle_and_stays_on_the_watch(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "101", "newer_name", ("Desk",))], now)
    assert (await imported(pool, CRAWL, now)).accounts == 6
    row = await pool.fetchrow("select handle, watched from account where native_id = '101'")
    assert row is not None
    assert tuple(row) == ("newer_name", True)


async def test_what_was_seen_here_later_ends_the_imported_history_of_an_account(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "101", "grows", ("Desk",))], now)
        await conn.execute(
            """
            with made as (
                insert into change (
                    change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
                )
                select 'seen here', account_id, 'available', 'baseline', 'strong', $1, $1, 'x' from account
                returning change_id, account_id
            ),
            decided as (
                insert into change_outcome
                select change_id, 'confirmed', 'baseline_seen', $1, 1, $1 from made
            )
            insert into spell (account_id, change_id, status, valid, recorded)
            select account_id, change_id, 'available', tstzrange($1, null), tstzrange($1, null) from made
            """,
            now,
        )
    await imported(pool, CRAWL, now + timedelta(hours=1))
    rows = await pool.fetch(
        """
        select status, upper(valid) as until from spell join account using (account_id)
        where native_id = '101' and upper_inf(recorded) order by lower(valid)
        """
    )
    assert [tuple(r) for r in rows] == [
        ("withheld", end(2017, 10, 16)),
        ("withheld", now),
        ("available", None),
    ]


async def test_an_import_that_fails_leaves_nothing_behind(pool: Pool, now: datetime) -> None:
    history = read_crawl(CRAWL.encode(), "crawl.csv").history
    broken = replace(history, looks=(replace(history.looks[0], answered=("999",)),))
    with pytest.raises(KeyError):
        async with transaction(pool) as conn:
            await import_history(conn, broken, now)
    assert await pool.fetchval("select count(*) from account") == 0


async def test_a_roster_holds_at_most_a_hundred_accounts(pool: Pool, now: datetime) -> None:
    lines = (f"2017-10-02,{n},handle_{n},DE,withheld,withheld,DE,DE,1,2015\n" for n in range(1, 252))
    await imported(pool, HEADER + "".join(lines), now)
    sizes = await pool.fetch("select cardinality(account_ids) as n from roster order by 1")
    assert [r["n"] for r in sizes] == [51, 100, 100]
    slots = await pool.fetch("select attempt, count(*) from coverage where outcome = 0 group by 1 order by 1")
    assert [tuple(r) for r in slots] == [(0, 3), (1, 3)]


def test_the_real_crawl_has_no_problem_and_every_pair_is_taken(real_crawl: bytes) -> None:
    read = read_crawl(real_crawl, "withheld_2018.csv")
    assert (read.pairs, len(read.history.accounts), read.problems) == (1835, 1714, ())
    assert sum(c.old is None for c in read.history.changes) == 1714
    assert sum(c.new == State(Status.AVAILABLE) for c in read.history.changes) == 9
    assert sum(c.old is not None and c.new.status is Status.WITHHELD for c in read.history.changes) == 28


async def test_the_real_crawl_gives_the_published_pairs_of_each_country(
    pool: Pool, now: datetime, real_crawl: bytes
) -> None:
    assert (await imported(pool, real_crawl, now)).changes == 1751
    assert (await imported(pool, real_crawl, now + timedelta(days=1))).is_repeat
    async with transaction(pool) as conn:
        counts = await by_country(conn)
    assert {c.country: c.pairs_ever for c in counts} == {
        "DE": 758,
        "TR": 721,
        "FR": 261,
        "RU": 78,
        "IN": 11,
        "GB": 4,
        "BR": 2,
    }
    assert sum(c.pairs_ever for c in counts) == 1835
    assert sum(c.withheld_at_last_reading for c in counts) == 1484
    assert sum(c.no_longer for c in counts) == 9
    assert sum(c.last_known_only for c in counts) == 236 + 106
    assert {c.newest_reading_at for c in counts} == {end(2018, 1, 11)}
