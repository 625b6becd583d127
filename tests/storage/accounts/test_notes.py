"""Notes about accounts: kept as they were written, withdrawn in the open, emptied only by a purge."""

import pytest

from collectors.x.declaration import X
from storage.accounts.notes import LONGEST, add_note, notes_of, withdraw_note
from storage.postgres.pool import Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import enlist


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


async def test_a_purge_empties_the_notes_and_a_whole_one_removes_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        for account in (one, two):
            await add_note(conn, account.account_id, "@ada lives in", "ada", minutes(1))
        await purge_account(conn, one.account_id, minutes(2))
        await purge_account(conn, two.account_id, minutes(2), whole=True)
        assert [(n.text, n.written_by) for n in await notes_of(conn, one.account_id)] == [("", "ada")]
        assert await notes_of(conn, two.account_id) == []
