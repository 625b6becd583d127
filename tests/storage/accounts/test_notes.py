"""Notes about accounts: kept as they were written, withdrawn in the open, emptied only by a purge."""

import pytest

from collectors.x.declaration import X
from storage.accounts.notes import LONGEST, add_note, notes_of, withdraw_note
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, Refused, StorageError, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import enlist


async def test_a_withdrawn_note_stays_readable_with_who_and_when_and_as_it_was_known(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        first = await add_note(conn, one.account_id, "  called the owner\n", "ada", minutes(1))
        await add_note(conn, one.account_id, "no answer", "bob", minutes(2))
        assert await withdraw_note(conn, first, "eve", minutes(3)) == one.account_id
        now = await notes_of(conn, one.account_id)
        before = await notes_of(conn, one.account_id, minutes(1))
        logged = [(a.actor, a.action, a.subject, a.detail["note"]) for a in await acts(conn, 3)]

    assert [(n.text, n.written_by, n.withdrawn_by, n.withdrawn_at) for n in now] == [
        ("no answer", "bob", None, None),
        ("called the owner", "ada", "eve", minutes(3)),
    ]
    assert [(n.text, n.withdrawn_at) for n in before] == [("called the owner", None)]
    subject = f"account {one.account_id}"
    assert logged == [
        ("eve", "note withdrawn", subject, first),
        ("bob", "note added", subject, first + 1),
        ("ada", "note added", subject, first),
    ]


@pytest.mark.parametrize(
    ("text", "account_id", "why"),
    [
        pytest.param(" \n", 1, "The note is empty.", id="nothing is no note"),
        pytest.param("x" * (LONGEST + 1), 1, "4,001 characters", id="a note has an end"),
        pytest.param("text", 999, "no account with the number 999", id="a note is about an account"),
    ],
)
async def test_what_is_no_note_is_refused(pool: Pool, text: str, account_id: int, why: str) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"])
        with pytest.raises(Refused, match=why):
            await add_note(conn, account_id, text, "ada", minutes(1))
        assert await conn.fetchval("select count(*) from audit_log") == 0


async def test_a_note_is_withdrawn_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        note = await add_note(conn, one.account_id, "text", "ada", minutes(1))
        await withdraw_note(conn, note, "ada", minutes(2))
        with pytest.raises(Refused, match="already withdrawn"):
            await withdraw_note(conn, note, "ada", minutes(3))


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("update account_note set text = 'other'", id="its words are not changed"),
        pytest.param("update account_note set written_by = 'other'", id="nor who wrote it"),
        pytest.param("update account_note set withdrawn_at = null, withdrawn_by = null", id="nor put back"),
        pytest.param("delete from account_note", id="nor is it removed"),
        pytest.param("truncate account_note", id="nor all of them"),
    ],
)
async def test_the_database_refuses_to_rewrite_a_note(pool: Pool, command: str) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        await withdraw_note(
            conn, await add_note(conn, one.account_id, "text", "ada", minutes(1)), "ada", minutes(2)
        )
    with pytest.raises(StorageError, match="append-only"):
        async with transaction(pool) as conn:
            await conn.execute(command)


async def test_a_purge_empties_the_notes_and_a_whole_one_removes_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        for account in (one, two):
            await add_note(conn, account.account_id, "@ada lives in", "ada", minutes(1))
        await purge_account(conn, one.account_id, minutes(2))
        await purge_account(conn, two.account_id, minutes(2), whole=True)
        assert [(n.text, n.written_by) for n in await notes_of(conn, one.account_id)] == [("", "ada")]
        assert await notes_of(conn, two.account_id) == []
