"""Histories that others published: kept once, under their name, and mailed to nobody.

The real files are used where they are at hand: in `TEST_SHARED_DATA`, else in `shared/data` beside the
checkout. They are never part of the project.
"""

import gzip
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.imports.published_records import import_record
from jobs.imports.table_imports import ImportReport
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Pool, transaction
from storage.readings.evidence import load
from tests.jobs.imports.test_histories import HISTORY, NOW, RESTORATIONS, SPANS, at, span

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


async def test_between_two_sightings_that_are_no_span_a_later_file_may_say_otherwise(pool: Pool) -> None:
    await imported(pool, SPANS + span("5", "available", 1, 3) + span("5", "available", 7, 9))
    assert (await imported(pool, SPANS + span("5", "suspended", 5, 5))).stored
    assert [t[1:4] for t in await told(pool)] == [
        ("baseline", None, "available"),
        ("block", "available", "suspended"),
        ("restoration", "suspended", "available"),
    ]


async def test_the_posts_of_a_history_are_not_called_accounts(pool: Pool) -> None:
    text = HISTORY + f"x,5,ada,{at(1)},available,,\n" + f"x,post:77,ada/77,{at(2)},withheld,IN,\n"
    first = await imported(pool, text)
    again = await imported(pool, text, NOW + timedelta(days=1))
    assert first.summary == (
        "2 lines about 1 account and 1 post: 1 account, 1 post and 2 changes are new. "
        "They are stored as import:h; no account or post is watched because of it."
    )
    assert again.summary == "2 lines about 1 account and 1 post: imported before, so nothing is new."


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
