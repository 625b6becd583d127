"""The page of all causes: what stands, about whom, and what became of an uploaded file."""

import pytest

from dashboard.causes.page import counts_words, import_outcome
from storage.causes.cause_import import CauseImport, ImportedCause, RecordedCause
from storage.causes.ledger import record_cause, withdraw_cause
from storage.model.causes.causes import CauseKind, CauseSubject, Confidence
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Conn, Pool, transaction
from tests.storage.causes.test_ledger import NOTICE, PAPER
from tests.support.clients.page_text import said
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS, page_of


async def shown_page(conn: Conn, story: Story) -> str:
    """What the page says, with single spaces."""
    return " ".join(said(await page_of(conn, "/causes", story.now, SETTINGS, "light")).split())


async def test_the_newest_standing_causes_are_listed_with_what_they_are_about(
    pool: Pool, story: Story
) -> None:
    one = story.accounts[0][0]
    async with transaction(pool) as conn:
        empty = await shown_page(conn, story)
        handle = await conn.fetchval("select handle from account where account_id = $1", one)
        change_id = await conn.fetchval("select max(change_id) from change where account_id = $1", one)
        order_id = await conn.fetchval("select order_id from legal_order where reference = 'SYN/1'")
        withdrawn = await record_cause(conn, CauseSubject(account_id=one), NOTICE, "ada", story.now)
        await withdraw_cause(conn, withdrawn, "ada", story.now)
        await record_cause(conn, CauseSubject(change_id=change_id), NOTICE, "ada", story.now)
        await record_cause(conn, CauseSubject(order_id=order_id), PAPER, "bob", story.now)
        page = await shown_page(conn, story)
    assert "No cause is recorded." in empty
    assert "2 causes: 1 stated by the platform, 1 reported" in page
    assert f"{handle} on X, change {change_id} An order of a government (Section 69A IT Act)" in page
    assert "Order SYN/1 The platform's terms" in page
    assert page.index("Order SYN/1") < page.index(f"{handle} on X")


def test_counts_are_said_by_confidence_and_one_is_singular() -> None:
    assert counts_words({Confidence.PLATFORM: 1}) == "1 cause: 1 stated by the platform"


def imported(*, is_new: bool) -> ImportedCause:
    return ImportedCause(2, CauseKind.OWNER, RecordedCause(7, is_new=is_new))


@pytest.mark.parametrize(
    ("done", "words"),
    [
        pytest.param(
            CauseImport((imported(is_new=True), imported(is_new=False)), ignored=("colour",)),
            "Recorded from a.csv: 1 cause. Recorded before: 1. Columns that are not used: colour.",
            id="stored",
        ),
        pytest.param(
            CauseImport((), (TableError("a.csv", 3, "kind is empty."),)),
            "Nothing was stored. a.csv, line 3: kind is empty.",
            id="refused",
        ),
        pytest.param(
            CauseImport((), tuple(TableError("a.csv", n, "no.") for n in range(1, 24))),
            "Further refused lines: 3.",
            id="many refused",
        ),
    ],
)
def test_what_became_of_a_file_is_said(done: CauseImport, words: str) -> None:
    assert words in said(import_outcome("a.csv", done))
