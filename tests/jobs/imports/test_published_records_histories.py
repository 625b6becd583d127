"""Histories that others published: kept once, under their name, and mailed to nobody.

The real files are used where they are at hand: in `TEST_SHARED_DATA`, else in `shared/data` beside the
checkout. They are never part of the project.
"""

import asyncio
import gzip
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.imports.published_records import import_record
from jobs.imports.table_imports import ImportReport
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Pool, connect, transaction
from storage.purge.purge import purge_account
from storage.readings.evidence import load
from tests.jobs.imports.test_histories import HISTORY, NOW, RESTORATIONS, SPANS, at, day, span

COUNTS = """
    select (select count(*) from account), (select count(*) from change),
        (select count(*) from change_outcome), (select count(*) from spell), (select count(*) from chain),
        (select count(*) from evidence), (select count(*) from live_event),
        (select count(*) from watch_list_member)
"""
Told = tuple[str, str, str | None, str, datetime | None, datetime, datetime]


async def imported(
    pool: Pool, text: str | bytes, now: datetime = NOW, source: str = "h", *, partial: bool = False
) -> ImportReport:
    content = text.encode() if isinstance(text, str) else text
    return await import_record(
        pool, content, "h.csv", now, lambda _: None, source=source, list_name=None, partial=partial
    )


async def told(pool: Pool, source: str = "h") -> list[Told]:
    """The standing changes of a source."""
    rows = await pool.fetch(
        """
        select a.native_id, c.kind, c.old_status, c.status, c.last_seen_old, c.first_seen_new,
            o.last_agreeing_at
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where c.source = 'import:' || $1 and o.outcome = 'confirmed'
        order by a.native_id, c.first_seen_new
        """,
        source,
    )
    return [tuple(r) for r in rows]


async def test_a_part_that_comes_late_corrects_what_was_told_and_the_old_rows_stay(pool: Pool) -> None:
    whole = [
        span("5", "suspended", 1, 2),
        span("5", "available", 4, 4),
        span("5", "available", 6, 7),
        span("6", "available", 1, 1),
    ]
    await imported(pool, SPANS + whole[0] + whole[2])
    later = await imported(pool, SPANS + whole[1] + whole[3], NOW + timedelta(days=1))
    assert later.figures == {
        "lines_taken": 2,
        "accounts": 2,
        "new_accounts": 1,
        "new_changes": 1,
        "corrected_changes": 1,
    }
    await imported(pool, SPANS + "".join(whole), source="at once")
    assert await told(pool) == await told(pool, "at once")
    assert await told(pool) == [
        ("5", "baseline", None, "suspended", None, day(1), day(2)),
        ("5", "restoration", "suspended", "available", day(2), day(4), day(7)),
        ("6", "baseline", None, "available", None, day(1), day(1)),
    ]
    assert await pool.fetchval("select count(*) from change where source = 'import:h'") == 4
    again = await imported(pool, SPANS + "".join(whole), NOW + timedelta(days=2))
    assert again.summary == "4 lines about 2 accounts: imported before, so nothing is new."


async def test_a_record_that_changed_its_mind_is_refused_line_by_line(pool: Pool) -> None:
    await imported(pool, SPANS + span("5", "suspended", 3, 3))
    before = await pool.fetchrow(COUNTS)
    other = SPANS + span("5", "available", 1, 4) + span("6", "available", 1, 1)
    refused = await imported(pool, other)
    assert [str(p) for p in refused.problems] == [
        f"h.csv, line 2: account 5 is available at {at(1)} to {at(4)}, but suspended at {at(3)} in an "
        "earlier import of this source, and which came first is not known."
    ]
    assert not refused.stored
    assert await pool.fetchrow(COUNTS) == before
    assert (await imported(pool, other, partial=True)).stored
    assert [t[0] for t in await told(pool)] == ["5", "6"]


@pytest.mark.parametrize(
    ("before", "since"),
    [
        pytest.param([span("5", "available", 2, 9)], 2, id="a span"),
        pytest.param(
            [span("5", "available", 1, 1) + span("5", "available", 9, 9), span("5", "available", 3, 8)],
            3,
            id="one that moved no bound when it came in",
        ),
        pytest.param(
            [span("5", "available", 3, 8), span("5", "available", 1, 1) + span("5", "available", 9, 9)],
            3,
            id="one whose change others moved since",
        ),
    ],
)
async def test_what_a_record_says_of_a_whole_span_holds_in_its_later_files_too(
    pool: Pool, before: list[str], since: int
) -> None:
    for rows in before:
        assert (await imported(pool, SPANS + rows)).stored
    kept = await pool.fetchrow(COUNTS)
    refused = await imported(pool, SPANS + span("5", "suspended", 6, 6))
    assert [str(p) for p in refused.problems] == [
        f"h.csv, line 2: account 5 is suspended at {at(6)}, but available at {at(since)} to "
        f"{at(9 if since == 2 else 8)} in an earlier import of this source, and which came first is "
        "not known."
    ]
    assert await pool.fetchrow(COUNTS) == kept
    assert (await imported(pool, SPANS + span("5", "suspended", 6, 6), source="another")).stored


async def test_between_two_sightings_that_are_no_span_a_later_file_may_say_otherwise(pool: Pool) -> None:
    await imported(pool, SPANS + span("5", "available", 1, 3) + span("5", "available", 7, 9))
    assert (await imported(pool, SPANS + span("5", "suspended", 5, 5))).stored
    assert [t[1:4] for t in await told(pool)] == [
        ("baseline", None, "available"),
        ("block", "available", "suspended"),
        ("restoration", "suspended", "available"),
    ]


async def test_of_a_purged_account_no_span_is_left(pool: Pool) -> None:
    await imported(pool, SPANS + span("5", "available", 1, 3) + span("6", "available", 1, 3))
    async with transaction(pool) as conn:
        gone = await conn.fetchval("select account_id from account where native_id = '5'")
        await purge_account(conn, gone, NOW, whole=True)
        left = await conn.fetch("select native_id from imported_span join account using (account_id)")
    assert [r["native_id"] for r in left] == ["6"]


async def test_a_line_that_is_refused_puts_nobody_on_a_list(pool: Pool) -> None:
    first = f"x,5,a,{at(1)},available,,L1\nx,6,b,{at(1)},available,,L1\n"
    other = f"x,5,a,{at(1)},suspended,,L2\nx,6,b,{at(1)},suspended,,L3\nx,6,b,{at(2)},available,,L4\n"
    await imported(pool, HISTORY + first)
    done = await imported(pool, HISTORY + other, partial=True)
    assert (len(done.problems), done.figures["accounts"], done.figures["lines_taken"]) == (2, 1, 1)
    rows = await pool.fetch(
        """
        select l.name, array_agg(a.native_id order by a.native_id)
        from watch_list l left join watch_list_member using (list_id) left join account a using (account_id)
        group by l.name order by 1
        """
    )
    assert [tuple(r) for r in rows] == [("L1", ["5", "6"]), ("L4", ["6"])]


async def test_the_posts_of_a_history_are_not_called_accounts(pool: Pool) -> None:
    text = HISTORY + f"x,5,ada,{at(1)},available,,\n" + f"x,post:77,ada/77,{at(2)},withheld,IN,\n"
    first = await imported(pool, text)
    again = await imported(pool, text, NOW + timedelta(days=1))
    assert first.summary == (
        "2 lines about 1 account and 1 post: 1 account, 1 post and 2 changes are new. "
        "They are stored as import:h; no account or post is watched because of it."
    )
    assert again.summary == "2 lines about 1 account and 1 post: imported before, so nothing is new."


async def test_a_history_is_kept_under_its_name_once_and_nobody_is_watched_or_mailed(pool: Pool) -> None:
    text = (
        HISTORY
        + f"x,5,old_name,{at(1)},available,,Farmers;Press\n"
        + f"x,5,new_name,{at(4)},withheld,TR IN,Farmers\n"
        + f"bluesky,did:plc:abcdefghijklmnopqrstuvwx,a.test,{at(2)},deactivated,,\n"
    )
    first = await imported(pool, text)
    assert first.summary == (
        "3 lines about 2 accounts: 2 accounts and 3 changes are new. "
        "They are stored as import:h; no account is watched because of it."
    )
    accounts = await pool.fetch(
        """
        select a.platform, a.native_id, a.handle, a.watched, array_agg(l.name order by l.name) as lists
        from account a join watch_list_member using (account_id) join watch_list l using (list_id)
        group by a.account_id order by a.platform desc
        """
    )
    assert [tuple(a) for a in accounts] == [
        ("x", "5", "new_name", False, ["Farmers", "Press"]),
        ("bluesky", "did:plc:abcdefghijklmnopqrstuvwx", "a.test", False, ["h"]),
    ]
    rows = await pool.fetch(
        """
        select c.kind, c.withheld_in, c.strength, c.source, o.outcome, o.reason, o.readings, o.decided_at
        from change c join change_outcome o using (change_id) order by c.first_seen_new
        """
    )
    assert [tuple(r) for r in rows] == [
        ("baseline", [], "strong", "import:h", "confirmed", "imported", 1, NOW),
        ("baseline", [], "weak", "import:h", "confirmed", "imported", 1, NOW),
        ("block", ["IN", "TR"], "strong", "import:h", "confirmed", "imported", 1, NOW),
    ]
    for table in ("alert", "pending_change", "coverage_row", "rename"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - names of ours
    before = await pool.fetchrow(COUNTS)
    again = await imported(pool, text, NOW + timedelta(days=1))
    assert again.summary == "3 lines about 2 accounts: imported before, so nothing is new."
    assert await pool.fetchrow(COUNTS) == before


async def test_the_lines_that_bound_a_change_are_its_evidence(pool: Pool) -> None:
    await imported(pool, RESTORATIONS + f"5,{at(1)},{at(3)},7\n6,,{at(3)},7\n")
    rows = await pool.fetch(
        """
        select a.native_id, c.old_evidence, c.new_evidence from change c join account a using (account_id)
        order by a.native_id, c.first_seen_new
        """
    )
    first, restored, unbounded = [(r["native_id"], r["old_evidence"], r["new_evidence"]) for r in rows]
    assert first == ("5", None, restored[2])
    assert restored == ("5", first[2], first[2])
    assert unbounded[:2] == ("6", None)
    async with transaction(pool) as conn:
        assert await load(conn, unbounded[2]) == (
            f'{{"line":3,"says":{{"account_id":"6","restored_seen_at":"{at(3)}"}}}}'.encode()
        )


async def test_an_account_without_a_handle_is_named_by_its_id(pool: Pool) -> None:
    await imported(pool, SPANS + span("5", "available", 1, 1))
    assert await pool.fetchval("select handle from account") == "id:5"


async def test_two_sources_of_one_fact_are_both_kept_and_make_one_spell(pool: Pool) -> None:
    await imported(pool, SPANS + span("5", "suspended", 1, 1) + span("5", "available", 3, 3), source="a")
    await imported(pool, RESTORATIONS + f"5,{at(1)},{at(3)},\n", source="b")
    assert await told(pool, "a") == await told(pool, "b")
    spells = await pool.fetch(
        "select status, lower(valid), upper(valid) from spell where upper_inf(recorded) order by 2"
    )
    assert [tuple(s) for s in spells] == [("suspended", day(1), day(3)), ("available", day(3), None)]


async def test_an_import_that_is_killed_in_the_middle_leaves_nothing(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    (tmp_path / "h.csv").write_text(SPANS + "".join(span(str(n), "available", 1, 2) for n in range(1, 500)))
    before = await pool.fetchrow(COUNTS)
    holder = await connect(dsn)
    try:
        async with holder.transaction():
            await holder.execute("lock table spell in share mode")  # changes can be written, spells cannot
            with subprocess.Popen(
                [Path(sys.executable).parent / "blockline", "import", "h.csv"],
                cwd=tmp_path,
                env=os.environ | {"BLOCKLINE_DATABASE_URL": dsn},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as process:
                while not await pool.fetchval("select count(*) from pg_locks where not granted"):
                    assert process.poll() is None
                    await asyncio.sleep(0.02)
                process.kill()
    finally:
        await holder.close()
    # Its server process has to see that it is alone.
    while await pool.fetchval(  # noqa: ASYNC110
        """
        select count(*) from pg_stat_activity
        where state <> 'idle' and pid <> pg_backend_pid() and datname = current_database()
        """
    ):
        await asyncio.sleep(0.02)
    assert await pool.fetchrow(COUNTS) == before


async def test_an_empty_history_is_refused(pool: Pool) -> None:
    with pytest.raises(TableError, match="the file has no row below the header"):
        await imported(pool, SPANS)


async def kinds_of_changes(pool: Pool) -> dict[str, int]:
    return {r["kind"]: r["n"] for r in await pool.fetch("select kind, count(*) as n from change group by 1")}


def real(name: str) -> bytes:
    beside = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("TEST_SHARED_DATA") or beside) / name
    if not path.is_file():
        pytest.skip(f"the real history is not at {path}; name its folder in TEST_SHARED_DATA")
    return gzip.decompress(path.read_bytes())


@pytest.mark.slow
async def test_the_real_history_is_taken_but_for_what_contradicts_itself(pool: Pool) -> None:
    """55,772 rows and 21,863 changes in the file. In 31 places two clocks contradict each other: 62 rows are
    refused, and with them go 37 changes.
    """
    content = real("account_status_history.csv.gz")
    assert not (await imported(pool, content)).stored
    assert await pool.fetchval("select count(*) from account") == 0
    done = await imported(pool, content, partial=True)
    assert len(done.problems) == 62
    assert done.figures == {
        "lines_taken": 55_772 - 62,
        "accounts": 26_727,
        "new_accounts": 26_727,
        "new_changes": 48_553,
        "corrected_changes": 0,
    }
    kinds = await kinds_of_changes(pool)
    assert kinds.pop("baseline") == 26_727
    assert sum(kinds.values()) == 21_863 - 37
    again = await imported(pool, content, NOW + timedelta(days=1), partial=True)
    assert again.figures["new_changes"] == again.figures["new_accounts"] == 0


@pytest.mark.slow
async def test_the_real_restorations_are_taken_but_for_those_before_their_suspension(pool: Pool) -> None:
    done = await imported(pool, real("account_restorations.csv.gz"), partial=True)
    assert (len(done.problems), done.figures["lines_taken"]) == (44, 26_727 - 44)
    kinds = await kinds_of_changes(pool)
    assert kinds == {"baseline": 26_727 - 44, "restoration": 19_596}
    unbounded = await pool.fetchval(
        "select count(*) from change where status = 'available' and kind = 'baseline'"
    )
    assert unbounded == 7_087
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from live_event") == 3
