"""The card of causes on the page of an account: what is said, the orders that fit, and the forms."""

import json
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from dashboard.causes.form import MOST_AT_ONCE
from dashboard.causes.page import import_outcome
from dashboard.wire.compact_json import up
from storage.causes.cause_import import CauseImport, ImportedCause, RecordedCause
from storage.causes.forget import forget_documents
from storage.causes.ledger import causes_of_accounts, record_cause, withdraw_cause
from storage.model.causes.causes import (
    CauseKind,
    CauseSubject,
    StatedCause,
)
from storage.model.tables.csv_rows import TableError
from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Pool, transaction
from tests.storage.causes.test_ledger import NOTICE, PAPER
from tests.support.clients.page_walker import said
from tests.support.seeds.changes import HOUR, Story
from tests.support.servers.dashboard import SETTINGS, page_of, served

FILLED = {
    "kind": "government order",
    "said_by": "platform notice",
    "source": "notice.eml",
    "stated_on": "2021-01-25",
    "legal_basis": "Section 69A IT Act",
    "confidence": "",
}
PDF = b"%PDF-1.7 \x00\xff invented"


async def posted(base: str, act: str, fields: dict[str, str], back: str = "/alerts") -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{base}/api/causes/{act}?back={back}",
            data=fields,
            headers={"Origin": base},
            allow_redirects=False,
        ) as answer,
    ):
        told = await answer.json()
        return answer.status, told.get("error") or told["toast"]["words"]


async def sent_with(
    base: str, act: str, fields: dict[str, str], name: str, content: str | bytes, back: str = "/alerts"
) -> tuple[int, Any]:
    """What becomes of a form with a file, as the pages' script sends it; text is sent as it is."""
    coded = content if isinstance(content, str) else b64encode(content).decode()
    body = json.dumps({**fields, "document": name, "document_base64": coded}).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{base}/api/causes/{act}?back={back}",
            data=BytesIO(body),
            headers={"Origin": base, "Content-Type": "application/json"},
            allow_redirects=False,
        ) as answer,
    ):
        told = await answer.json()
        return answer.status, told.get("error") or told["toast"]["words"]


async def stored(pool: Pool, account_id: int) -> list[StatedCause]:
    async with transaction(pool) as conn:
        return (await causes_of_accounts(conn, [account_id])).get(account_id, [])


async def shown(pool: Pool, story: Story, account_id: int) -> str:
    async with transaction(pool) as conn:
        return said(await page_of(conn, f"/account/{account_id}", story.now, SETTINGS, "light"))


async def test_the_document_of_a_cause_is_kept_and_downloaded_from_the_page(
    pool: Pool, dsn: str, story: Story
) -> None:
    one = story.accounts[0][0]
    page = f"/account/{one}"
    fields = {**FILLED, "about": f"account-{one}"}
    recorded = "The cause is recorded."
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        assert await sent_with(base, "record", fields, "order é.pdf", PDF, page) == (200, recorded)
        assert await sent_with(base, "record", fields, "again.pdf", PDF, page) == (200, recorded)
        (first,) = await stored(pool, one)
        correction = {**FILLED, "disputed_by": "the ministry", "cause": str(first.cause_id)}
        assert await posted(base, "correct", correction, page) == (200, "The correction is recorded.")
        (_, second) = await stored(pool, one)
        async with session.get(f"{base}/api/v1/causes/{second.cause_id}/document") as answer:
            assert (answer.status, await answer.read()) == (200, PDF)
            assert answer.headers["content-disposition"] == (
                "attachment; filename*=UTF-8''order%20%C3%A9.pdf"
            )
        async with transaction(pool) as conn:
            card = str(await page_of(conn, page, story.now, SETTINGS, "light"))
        assert f"/api/v1/causes/{second.cause_id}/document" in card
        shown_now = " ".join((await shown(pool, story, one)).split())
        async with transaction(pool) as conn:
            await forget_documents(conn, one)
        async with session.get(f"{base}/api/v1/causes/{second.cause_id}/document") as answer:
            assert answer.status == 404
    assert f"Document: order é.pdf , SHA-256 {sha256(PDF).hexdigest()[:12]}…" in shown_now
    assert "Its document was purged." in await shown(pool, story, one)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        pytest.param("a.pdf", b"", "File of the document is an empty file.", id="empty"),
        pytest.param(
            "a.pdf", b" " * (LARGEST_DOCUMENT + 1), "File of the document is larger than 20 MB.", id="large"
        ),
        pytest.param(
            "a.pdf", b" " * 22_500_001, "The request body is larger than 30,000,000 bytes.", id="much larger"
        ),
        pytest.param("a.pdf", "%%", "File of the document did not arrive whole. Choose it", id="no bytes"),
        pytest.param("a\nb.pdf", b"x", "File of the document has a file name that", id="a strange name"),
    ],
)
async def test_a_file_that_cannot_be_a_document_is_refused_and_nothing_is_stored(
    pool: Pool, dsn: str, story: Story, name: str, content: str | bytes, why: str
) -> None:
    one = story.accounts[0][0]
    fields = {**FILLED, "about": f"account-{one}"}
    async with served(pool, dsn, story.now) as base:
        status, sentence = await sent_with(base, "record", fields, name, content)
    assert status == 422
    assert sentence.startswith(why)
    assert await stored(pool, one) == []


def many(count: int, *, again: bool) -> list[StatedCause]:
    """So many causes of one account, or corrections of one."""
    about = CauseSubject(account_id=1)
    return [
        StatedCause(
            n,
            n - 1 if again and n > 1 else None,
            is_withdrawn=False,
            subject=about,
            text=NOTICE,
            document=None,
            recorded_at=NOTICE.stated_on,
            recorded_by="ada",
        )
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("wrong", "status", "why"),
    [
        pytest.param({"source": " "}, 422, "Document: an address or a name is empty.", id="no source"),
        pytest.param(
            {"stated_on": "yesterday"}, 422, "Date 'yesterday' is an impossible time.", id="no date"
        ),
        pytest.param({"stated_on": "2031-01-01"}, 422, "Date is in the future.", id="not yet said"),
        pytest.param(
            {"said_by": "press"},
            422,
            "Name of the person, paper or court is empty: which paper or broadcaster it was.",
            id="a paper without a name",
        ),
        pytest.param({"kind": "weather"}, 422, "Cause 'weather' is not known", id="no cause"),
        pytest.param({"about": "account-x"}, 422, "The field about is not an account", id="about nothing"),
        pytest.param({"about": "account-1.x"}, 422, "The field about is not an account", id="half a list"),
        pytest.param(
            {"about": "account-" + ".".join("1" * (MOST_AT_ONCE + 1))},
            422,
            "A cause is recorded",
            id="too many",
        ),
        pytest.param({"about": "account-1.999"}, 409, "There is no account 999.", id="one of them is nobody"),
        pytest.param({"about": "account-999"}, 409, "There is no account 999.", id="about nobody"),
    ],
)
async def test_what_is_filled_in_wrongly_is_refused_in_one_sentence(
    pool: Pool, dsn: str, story: Story, wrong: dict[str, str], status: int, why: str
) -> None:
    one = story.accounts[0][0]
    async with served(pool, dsn, story.now) as base:
        answer = await posted(base, "record", {**FILLED, "about": f"account-{one}", **wrong})
    assert answer[0] == status
    assert answer[1].startswith(why)
    assert await stored(pool, one) == []


async def test_the_lanes_are_told_what_is_said_of_changes_and_accounts_and_until_when(
    pool: Pool, dsn: str, story: Story
) -> None:
    one, other = story.accounts[0][:2]
    async with transaction(pool) as conn:
        change_id = await conn.fetchval("select max(change_id) from change where account_id = $1", one)
        first = await record_cause(conn, CauseSubject(account_id=one), PAPER, "ada", story.now)
        await record_cause(conn, CauseSubject(account_id=other), PAPER, "ada", story.now)
        await record_cause(conn, CauseSubject(change_id=change_id), NOTICE, "ada", story.now)
        await withdraw_cause(conn, first, "ada", story.now + HOUR)
        rows = await conn.fetch("select recorded_at from cause order by cause_id")
    of_one, of_other, of_change, withdrawn = (up(row["recorded_at"]) for row in rows)
    async with (
        served(pool, dsn, story.now) as base,
        aiohttp.ClientSession() as session,
        session.get(f"{base}/api/causes/lanes") as answer,
    ):
        told = await answer.json()
    assert told == {
        "words": [
            "Cause: an order of a government (Section 69A IT Act), stated by the platform",
            "Cause: the platform's terms (Section 69A IT Act), reported",
        ],
        "none": "Cause: not known",
        "causes": [[0, of_change, None], [1, of_other, None], [1, of_one, withdrawn]],
        "changes": {str(change_id): [0]},
        "accounts": {str(one): [2], str(other): [1]},
    }


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
