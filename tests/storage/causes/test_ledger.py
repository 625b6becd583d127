"""The ledger of causes: what was said stays as it was said, and a correction is a new row."""

import asyncio
from dataclasses import replace

import pytest

from collectors.x.declaration import X
from storage.causes.cause_documents import CauseDocument
from storage.causes.ledger import (
    causes_about,
    causes_of_accounts,
    causes_of_blocks,
    correct_cause,
    known_causes,
    record_cause,
    withdraw_cause,
)
from storage.changes.hash_chain import verify_chain
from storage.model.causes.causes import (
    CauseFault,
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    checked_cause,
    standing,
    surest_first,
)
from storage.model.core.accounts import Account
from storage.model.core.orders import NewOrder
from storage.orders.orders import add_order
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import MINUTE, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.changes import become, enlist, roster_of

NOW = minutes(60)
NOTICE = CauseText(
    kind=CauseKind.GOVERNMENT_ORDER,
    said_by=CauseSource.PLATFORM_NOTICE,
    speaker="",
    legal_basis="Section 69A IT Act",
    source="notice.eml",
    stated_on=minutes(0),
    confidence=Confidence.PLATFORM,
)
PAPER = replace(
    NOTICE,
    kind=CauseKind.PLATFORM_TERMS,
    said_by=CauseSource.PRESS,
    speaker="A paper",
    confidence=Confidence.REPORTED,
)
MAIL = CauseDocument("notice.eml", "message/rfc822", b"Subject: Receipt\r\n\r\nHello")


async def ordered(conn: Conn) -> int:
    at = minutes(0)
    await add_order(conn, NewOrder("R/1", "First", "Min", "IN", "69A", at, None, None, None, 1, "R", at), at)
    return await conn.fetchval("select order_id from legal_order")


async def blocked(conn: Conn, native_id: str = "1") -> tuple[Account, int]:
    """An account that was suspended, and the number of that change."""
    (one,) = await enlist(conn, X, [native_id])
    await become(conn, await roster_of(conn, [one]), one, None, SUSPENDED, minutes(1))
    change_id = await conn.fetchval("select max(change_id) from change where account_id = $1", one.account_id)
    return one, change_id


async def test_why_an_account_is_withheld_elsewhere_is_no_cause_of_a_block_here(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        await become(conn, await roster_of(conn, [one]), one, None, WITHHELD_IN, minutes(1))
        change_id = await conn.fetchval("select max(change_id) from change")
        await record_cause(conn, CauseSubject(change_id=change_id), NOTICE, "ada", NOW)
        here = await causes_of_blocks(conn, [one.account_id], "IN", minutes(0), None)
        elsewhere = await causes_of_blocks(conn, [one.account_id], "TR", minutes(0), None)
    assert (len(here[one.account_id]), elsewhere) == (1, {})


async def test_at_any_moment_those_stood_that_were_known_then_and_not_yet_taken_back(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, change_id = await blocked(conn)
        subjects = CauseSubject(account_id=one.account_id), CauseSubject(change_id=change_id)
        for n, subject in enumerate(subjects):
            first = await record_cause(conn, subject, PAPER, "ada", minutes(10 + n))
            await record_cause(conn, subject, NOTICE, "ada", minutes(20 + n))
            corrected = await correct_cause(
                conn, first, replace(PAPER, disputed_by="A court"), "ada", minutes(30 + n)
            )
            await withdraw_cause(conn, corrected, "ada", minutes(40 + n))
        order_id = await ordered(conn)
        await record_cause(conn, CauseSubject(order_id=order_id), PAPER, "ada", NOW)
        found = await known_causes(conn)
        rows = await causes_about(conn, subjects)
    assert len(found) == 6
    for then in {at for c in rows for at in (c.recorded_at, c.recorded_at - MINUTE)}:
        stood = [
            k.cause for k in found if k.cause.recorded_at <= then and (k.until is None or then < k.until)
        ]
        assert surest_first(stood) == standing(rows, then)


@pytest.mark.parametrize(
    ("wrong", "field", "why"),
    [
        pytest.param(replace(NOTICE, source=" "), "source", "source is empty", id="without a source"),
        pytest.param(
            replace(PAPER, speaker=""), "speaker", "which paper", id="a paper that nobody can look up"
        ),
        pytest.param(
            replace(NOTICE, confidence=Confidence.INFERRED),
            "speaker",
            "who inferred",
            id="inferred by nobody",
        ),
        pytest.param(
            replace(PAPER, confidence=Confidence.PLATFORM),
            "confidence",
            "at most reported",
            id="surer than its source",
        ),
        pytest.param(replace(NOTICE, stated_on=minutes(61)), "stated_on", "in the future", id="not yet said"),
        pytest.param(replace(NOTICE, note="x" * 2_001), "note", "2,001 characters", id="without an end"),
        pytest.param(replace(NOTICE, source="a\0"), "source", "not allowed", id="a character of no text"),
    ],
)
def test_what_cannot_be_a_cause_is_refused_with_its_field(wrong: CauseText, field: str, why: str) -> None:
    with pytest.raises(CauseFault, match=why) as refused:
        checked_cause(wrong, NOW)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(CauseSubject(account_id=999), id="account"),
        pytest.param(CauseSubject(change_id=999), id="change"),
        pytest.param(CauseSubject(order_id=999), id="order"),
    ],
)
async def test_a_cause_is_about_something_that_exists(pool: Pool, subject: CauseSubject) -> None:
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match="There is no "):
            await record_cause(conn, subject, NOTICE, "ada", NOW)
        assert await conn.fetchval("select count(*) from audit_log") == 0


async def test_of_two_corrections_at_once_one_is_refused(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        first = await record_cause(conn, CauseSubject(account_id=one.account_id), NOTICE, "ada", NOW)

    async def correct(actor: str) -> str:
        try:
            async with transaction(pool) as conn:
                await correct_cause(conn, first, PAPER, actor, NOW)
        except Refused as refused:
            return str(refused)
        return ""

    said = sorted(await asyncio.gather(correct("bob"), correct("eve")))
    assert said[0] == ""
    assert said[1].startswith("Cause 1 was already corrected or withdrawn, by cause ")


@pytest.mark.parametrize(
    ("whole", "left"),
    [
        pytest.param(False, [1, 2, 3, 4], id="of its content: what was said stays"),
        pytest.param(True, [4], id="of all of it"),
    ],
)
async def test_a_purge_takes_documents_and_a_whole_one_causes_and_the_chain_holds(
    pool: Pool, whole: bool, left: list[int]
) -> None:
    both = CauseDocument("both.pdf", "application/pdf", b"%PDF")
    async with transaction(pool) as conn:
        one, change_id = await blocked(conn)
        other, _ = await blocked(conn, "2")
        about, about_other = (
            CauseSubject(account_id=one.account_id),
            CauseSubject(account_id=other.account_id),
        )
        first = await record_cause(conn, about, NOTICE, "ada", NOW, MAIL)
        await correct_cause(conn, first, PAPER, "ada", NOW)
        await record_cause(conn, CauseSubject(change_id=change_id), NOTICE, "ada", NOW, both)
        await record_cause(conn, about_other, NOTICE, "ada", NOW, both)

        await purge_account(conn, one.account_id, NOW, whole=whole, reason="asked")

        found = await causes_of_accounts(conn, [one.account_id, other.account_id])
        names = await conn.fetch("select name from cause_document")
        check = await verify_chain(conn)
    assert sorted(c.cause_id for causes in found.values() for c in causes) == left
    assert [r["name"] for r in names] == ["both.pdf"]
    assert check.broken is None
    assert (check.purged > 0) is whole


def test_a_cause_is_about_one_thing() -> None:
    for numbers in ((None, None, None), (1, 2, None)):
        with pytest.raises(ValueError, match="one thing"):
            CauseSubject(*numbers)
