"""Causes out of files: tables of them, and notices of platforms that their owners forwarded."""

import pytest

from collectors.x.declaration import X
from jobs.imports.causes import import_causes, import_notice
from jobs.imports.table_imports import ImportReport
from storage.accounts.accounts import NewAccount, add_accounts
from storage.causes.cause_import import subjects_called
from storage.causes.ledger import causes_of_accounts
from storage.model.causes.causes import CauseSubject, Confidence, StatedCause, standing
from storage.model.causes.causes_csv import NamedSubject
from storage.model.core.accounts import AccountId
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Conn, Pool, Refused, transaction
from tests.storage.causes.test_ledger import blocked
from tests.storage.model.causes.test_platform_notices import ASKED, NOTHING_DONE, WITHHELD, email, quoted
from tests.support.samples.readings import T0, minutes

NOW = minutes(60 * 24 * 365 * 3)
HEADER = "platform,handle,account_id,order,kind,said_by,source,stated_on,speaker,confidence\n"
GOOD = "x,ada_lovelace,,,government order,platform notice,notice.pdf,2021-02-04,,\n"


async def watched(conn: Conn) -> dict[str, AccountId]:
    """An account, two of its posts, and somebody else."""
    handles = {"1": "ada_lovelace", "post:1234": "ada_lovelace/1234", "post:77": "ada_lovelace/77", "2": "bo"}
    await add_accounts(conn, [NewAccount(X, i, handle, ()) for i, handle in handles.items()], T0)
    rows = await conn.fetch("select account_id, handle from account")
    return {r["handle"]: AccountId(r["account_id"]) for r in rows}


async def stored(conn: Conn, *account_ids: AccountId) -> list[StatedCause]:
    found = await causes_of_accounts(conn, account_ids)
    return [cause for causes in found.values() for cause in standing(causes)]


async def imported(pool: Pool, lines: str, *, partial: bool = False) -> ImportReport:
    return await import_causes(pool, (HEADER + lines).encode(), "a.csv", "ada", NOW, partial=partial)


async def test_a_table_of_causes_is_stored_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        ids = await watched(conn)
    by_id = "x,,2,,platform_terms,press,https://example.org/a,2021-02-05T06:00:00Z,A paper,\n"
    first = await imported(pool, GOOD + by_id)
    again = await imported(pool, GOOD + by_id)
    async with transaction(pool) as conn:
        (of_ada,) = await stored(conn, ids["ada_lovelace"])
        (of_bo,) = await stored(conn, ids["bo"])
    assert [(line.line, line.what, line.did) for line in first.lines] == [
        (2, "government order", "recorded as cause 1"),
        (3, "platform terms", "recorded as cause 2"),
    ]
    assert (first.summary, again.summary) == ("2 causes of a.csv recorded.", "0 causes of a.csv recorded.")
    assert [line.did for line in again.lines] == ["recorded before as cause 1", "recorded before as cause 2"]
    assert (of_ada.text.confidence, of_bo.text.confidence) == (Confidence.PLATFORM, Confidence.REPORTED)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(
            "x,nobody,,,owner,owner,mail,2021-02-04,,\n", "No stored account is called", id="nobody"
        ),
        pytest.param(",,,R/9,owner,owner,mail,2021-02-04,,\n", "There is no order 'R/9'.", id="no order"),
        pytest.param(",,,,owner,owner,mail,2021-02-04,,\n", "name one of these", id="about nothing"),
        pytest.param("x,bo,,R/9,owner,owner,mail,2021-02-04,,\n", "name one of these", id="about two things"),
        pytest.param("x,bo,,,weather,owner,mail,2021-02-04,,\n", "kind 'weather' is not", id="no cause"),
        pytest.param("x,bo,,,owner,radio,mail,2021-02-04,,\n", "said_by 'radio' is not", id="no source"),
        pytest.param("x,bo,,,owner,press,mail,2021-02-04,,\n", "which paper", id="a nameless paper"),
        pytest.param("x,bo,,,owner,owner,,2021-02-04,,\n", "source is empty", id="no document"),
        pytest.param("x,bo,,,owner,owner,mail,,,\n", "stated_on is empty", id="no date"),
        pytest.param("x,bo,,,owner,owner,mail,2031-02-04,,\n", "in the future", id="not yet said"),
        pytest.param(
            "x,bo,,,owner,owner,mail,2021-02-04,,documented\n", "at most reported", id="surer than its source"
        ),
    ],
)
async def test_a_line_that_cannot_be_stored_is_named_and_nothing_is_stored(
    pool: Pool, line: str, why: str
) -> None:
    async with transaction(pool) as conn:
        ids = await watched(conn)
    refused = await imported(pool, GOOD + line)
    assert not refused.stored
    (problem,) = refused.problems
    assert problem.line == 3
    assert why in str(problem)
    async with transaction(pool) as conn:
        assert await stored(conn, *ids.values()) == []
    rest = await imported(pool, GOOD + line, partial=True)
    assert (rest.stored, len(rest.lines), len(rest.problems)) == (True, 1, 1)


async def test_a_notice_that_its_owner_quotes_is_what_the_owner_reports(pool: Pool) -> None:
    async with transaction(pool) as conn:
        ids = await watched(conn)
    await import_notice(pool, quoted(WITHHELD.format("")).as_bytes(), "n.eml", "ada", NOW)
    async with transaction(pool) as conn:
        (cause,) = await stored(conn, *ids.values())
    assert cause.text.confidence is Confidence.REPORTED
    assert cause.text.note == "The owner quotes it; the date is that of the quotation."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(ASKED.format("the police") + NOTHING_DONE, "It states no cause", id="somebody asked"),
        pytest.param(
            WITHHELD.replace("ada_lovelace", "stranger").format(""),
            "@stranger, of which none is stored",
            id="about a stranger",
        ),
    ],
)
async def test_a_notice_without_a_cause_of_ours_is_refused_and_nothing_is_kept(
    pool: Pool, text: str, why: str
) -> None:
    async with transaction(pool) as conn:
        await watched(conn)
    with pytest.raises(Refused, match=why):
        await import_notice(pool, email(text).as_bytes(), "n.eml", "ada", NOW)
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from cause_document") == 0


async def test_a_notice_of_tomorrow_is_refused_in_one_sentence(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await watched(conn)
    notice = email(WITHHELD.format(""))
    notice.replace_header("Date", "Sun, 26 Jun 2044 18:00:00 +0530")
    with pytest.raises(TableError, match=r"n\.eml: stated_on is in the future"):
        await import_notice(pool, notice.as_bytes(), "n.eml", "ada", NOW)


async def test_a_file_that_is_no_notice_is_refused_by_its_name(pool: Pool) -> None:
    with pytest.raises(TableError, match=r"n\.eml: The email holds no notice of Bluesky or X"):
        await import_notice(pool, b"Subject: hello\n\nhello", "n.eml", "ada", NOW)


@pytest.mark.parametrize(
    "line", [pytest.param(GOOD, id="that are right"), pytest.param("a\n", id="that are no rows")]
)
async def test_a_table_with_too_many_rows_is_refused_as_a_whole(pool: Pool, line: str) -> None:
    with pytest.raises(TableError, match=r"more than 10,000 rows\. Split it\."):
        await imported(pool, line * 10_001)


async def test_changes_are_called_by_number_by_key_and_by_the_beginning_of_a_key(pool: Pool) -> None:
    async with transaction(pool) as conn:
        _, change_id = await blocked(conn)
        key = await conn.fetchval("select change_key from change where change_id = $1", change_id)
        names = [str(change_id), key, key[:9].upper(), "9999", "feed"]
        called = await subjects_called(conn, [NamedSubject(change=name) for name in names])
    found = CauseSubject(change_id=change_id)
    assert called == [found, found, found, "No change is called '9999'.", "No change is called 'feed'."]
