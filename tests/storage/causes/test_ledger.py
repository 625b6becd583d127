"""The ledger of causes: what was said stays as it was said, and a correction is a new row."""

import asyncio
from dataclasses import replace

import pytest

from collectors.x.declaration import X
from storage.causes.cause_documents import CauseDocument, document_of
from storage.causes.ledger import (
    causes_about,
    causes_of_accounts,
    causes_of_blocks,
    causes_of_order,
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
    StatedCause,
    checked_cause,
    standing,
    surest_first,
)
from storage.model.core.accounts import Account
from storage.model.core.orders import NewOrder
from storage.model.evidence.chain_check import ChainFault
from storage.model.evidence.hash_chain import StatementKind
from storage.orders.orders import add_order
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, WITHHELD_IN, minutes
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


def told(causes: list[StatedCause]) -> list[tuple[int, str]]:
    return [(c.cause_id, c.text.kind.value) for c in causes]


async def test_a_cause_is_of_an_account_a_change_or_an_order_and_in_the_chain_and_the_log(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, change_id = await blocked(conn)
        order_id = await ordered(conn)
        of_account = await record_cause(conn, CauseSubject(account_id=one.account_id), NOTICE, "ada", NOW)
        of_change = await record_cause(
            conn, CauseSubject(change_id=change_id), replace(PAPER, note=" é “x” "), "ada", NOW, MAIL
        )
        of_order = await record_cause(conn, CauseSubject(order_id=order_id), PAPER, "bob", NOW)
        found = await causes_of_accounts(conn, [one.account_id])
        about_order = await causes_of_order(conn, order_id)
        chained = await conn.fetch("select kind, cause_id from chain where cause_id is not null order by seq")
        logged = [(a.actor, a.action, a.subject, a.detail["cause"]) for a in await acts(conn, 3)]
        check = await verify_chain(conn)
        kept = await document_of(conn, found[one.account_id][1].document or b"")

    assert told(found[one.account_id]) == [(of_account, "government order"), (of_change, "platform terms")]
    assert found[one.account_id][1].text.note == "é “x”"
    assert told(about_order) == [(of_order, "platform terms")]
    assert [tuple(r) for r in chained] == [("cause", n) for n in (of_account, of_change, of_order)]
    assert check.broken is None
    assert kept == MAIL
    assert logged == [
        ("bob", "cause recorded", f"order {order_id}", of_order),
        ("ada", "cause recorded", f"change {change_id}", of_change),
        ("ada", "cause recorded", f"account {one.account_id}", of_account),
    ]


async def test_the_causes_of_blocks_leave_out_why_somebody_came_back_and_earlier_blocks(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, block = await blocked(conn)
        await become(conn, await roster_of(conn, [one]), one, SUSPENDED, AVAILABLE, minutes(5))
        back = await conn.fetchval("select max(change_id) from change")
        of_account = await record_cause(conn, CauseSubject(account_id=one.account_id), PAPER, "ada", NOW)
        of_block = await record_cause(conn, CauseSubject(change_id=block), NOTICE, "ada", NOW)
        await record_cause(conn, CauseSubject(change_id=back), PAPER, "ada", NOW)
        since_start = await causes_of_blocks(conn, [one.account_id], "IN", minutes(2), None)
        since_back = await causes_of_blocks(conn, [one.account_id], "IN", minutes(6), None)
        before_it_was_known = await causes_of_blocks(conn, [one.account_id], "IN", minutes(6), minutes(4))
    assert [c.cause_id for c in since_start[one.account_id]] == [of_account, of_block]
    assert [c.cause_id for c in before_it_was_known[one.account_id]] == [of_account, of_block]
    assert [c.cause_id for c in since_back[one.account_id]] == [of_account]


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


def test_who_names_a_cause_comes_before_who_names_none() -> None:
    about, at = CauseSubject(account_id=1), minutes(0)
    silent = replace(NOTICE, kind=CauseKind.UNKNOWN)
    rows = [
        StatedCause(
            number,
            supersedes=None,
            is_withdrawn=False,
            subject=about,
            text=text,
            document=None,
            recorded_at=at,
            recorded_by="ada",
        )
        for number, text in enumerate((silent, PAPER), 1)
    ]
    assert told(standing(rows)) == [(2, "platform terms"), (1, "unknown")]


async def test_a_correction_keeps_what_was_said_and_as_known_earlier_it_still_stands(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        about = CauseSubject(account_id=one.account_id)
        first = await record_cause(conn, about, NOTICE, "ada", minutes(10), MAIL)
        second = await correct_cause(
            conn, first, replace(NOTICE, disputed_by="the ministry"), "bob", minutes(20)
        )
        third = await record_cause(conn, about, PAPER, "ada", minutes(30))
        await withdraw_cause(conn, third, "ada", minutes(40))
        rows = (await causes_of_accounts(conn, [one.account_id]))[one.account_id]

    assert told(standing(rows, minutes(5))) == []
    assert told(standing(rows, minutes(10))) == [(first, "government order")]
    assert told(standing(rows, minutes(20))) == [(second, "government order")]
    assert told(standing(rows, minutes(30))) == [(second, "government order"), (third, "platform terms")]
    assert told(standing(rows)) == [(second, "government order")]
    assert [c.text.disputed_by for c in standing(rows)] == ["the ministry"]
    assert rows[1].document == rows[0].document, "a correction keeps the document"


@pytest.mark.parametrize(
    ("corrected", "is_kept"),
    [
        pytest.param(PAPER, True, id="the same source"),
        pytest.param(replace(PAPER, source="https://example.org/a"), False, id="another source"),
    ],
)
async def test_a_document_stays_with_what_is_said_in_it(
    pool: Pool, corrected: CauseText, is_kept: bool
) -> None:
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        about = CauseSubject(account_id=one.account_id)
        first = await record_cause(conn, about, NOTICE, "ada", NOW, MAIL)
        await correct_cause(conn, first, corrected, "bob", NOW)
        (before, after) = await causes_about(conn, [about])
    assert before.document is not None
    assert after.document == (before.document if is_kept else None)


async def test_the_surest_and_newest_cause_comes_first(pool: Pool) -> None:
    said = [
        replace(PAPER, stated_on=minutes(9)),
        NOTICE,
        replace(PAPER, stated_on=minutes(8)),
        replace(NOTICE, stated_on=minutes(1)),
    ]
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        for text in said:
            await record_cause(conn, CauseSubject(account_id=one.account_id), text, "ada", NOW)
        rows = (await causes_of_accounts(conn, [one.account_id]))[one.account_id]
    assert [c.cause_id for c in standing(rows)] == [4, 2, 1, 3]


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


@pytest.mark.parametrize("again", [pytest.param(False, id="a cause"), pytest.param(True, id="a correction")])
async def test_what_is_recorded_while_its_account_is_purged_waits_for_the_purge(
    pool: Pool, again: bool
) -> None:
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        about = CauseSubject(account_id=one.account_id)
        first = await record_cause(conn, about, NOTICE, "ada", NOW)

    async def record() -> None:
        async with transaction(pool) as conn:
            if again:
                await correct_cause(conn, first, PAPER, "bob", NOW)
            else:
                await record_cause(conn, about, PAPER, "bob", NOW)

    async with asyncio.TaskGroup() as tasks, transaction(pool) as conn:
        await conn.execute("select from account where account_id = $1 for update", one.account_id)
        tasks.create_task(record())
        while not await conn.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await purge_account(conn, one.account_id, NOW, reason="asked")
    async with transaction(pool) as conn:
        found = await causes_of_accounts(conn, [one.account_id])
    assert len(found[one.account_id]) == 2


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("update cause set note = 'other'", id="its words are not changed"),
        pytest.param("delete from cause", id="nor is it removed"),
        pytest.param("truncate cause", id="nor all of them"),
    ],
)
async def test_the_database_refuses_to_rewrite_a_cause(pool: Pool, command: str) -> None:
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        await record_cause(conn, CauseSubject(account_id=one.account_id), NOTICE, "ada", NOW)
    with pytest.raises(StorageError, match="append-only"):
        async with transaction(pool) as conn:
            await conn.execute(command)


async def test_a_cause_that_was_altered_or_lost_breaks_the_chain(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await blocked(conn)
        first = await record_cause(conn, CauseSubject(account_id=one.account_id), NOTICE, "ada", NOW)
        for command, fault in (
            ("update cause set confidence = 'reported'", ChainFault.LEAF),
            ("update cause set stated_on = '2020-01-01'", ChainFault.LEAF),
            ("delete from cause", ChainFault.GONE),
        ):
            savepoint = conn.transaction()
            await savepoint.start()
            await conn.execute("alter table cause disable trigger cause_append_only")
            await conn.execute(command)
            broken = (await verify_chain(conn)).broken
            await savepoint.rollback()
            assert broken is not None
            assert (broken.fault, broken.kind, broken.number) == (fault, StatementKind.CAUSE, first)


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


@pytest.mark.parametrize(
    ("again", "left"),
    [
        pytest.param(False, 0, id="it goes with the last of them"),
        pytest.param(True, 1, id="unless it was added again since"),
    ],
)
async def test_a_document_about_two_accounts_goes_when_both_were_purged(
    pool: Pool, again: bool, left: int
) -> None:
    later = minutes(90)
    async with transaction(pool) as conn:
        numbers = [(await blocked(conn, native_id))[0].account_id for native_id in ("1", "2")]
        for number in numbers:
            await record_cause(conn, CauseSubject(account_id=number), NOTICE, "ada", NOW, MAIL)
        await purge_account(conn, numbers[0], NOW, reason="asked")
        kept = await conn.fetchval("select count(*) from cause_document")
        if again:
            await record_cause(conn, CauseSubject(account_id=numbers[0]), PAPER, "ada", later, MAIL)
        await purge_account(conn, numbers[1], later, reason="asked")
        assert kept == 1
        assert await conn.fetchval("select count(*) from cause_document") == left


def test_a_cause_is_about_one_thing() -> None:
    for numbers in ((None, None, None), (1, 2, None)):
        with pytest.raises(ValueError, match="one thing"):
            CauseSubject(*numbers)
