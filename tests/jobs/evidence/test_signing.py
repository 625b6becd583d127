"""A checkpoint is signed only if the log continues the last one; signers do not disturb each other."""

import pytest

from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.evidence.chain_verdict import checkpoints_fault
from jobs.evidence.checkpoint import key_of, signed_checkpoint
from jobs.evidence.signing import CheckpointRefused, held_fault, sign_checkpoint
from jobs.evidence.stored_pack import made_pack, signed_material
from storage.postgres.installation import checkpoint_key
from storage.postgres.merkle_log import (
    EntryMissing,
    StoredCheckpoint,
    checkpoint_state,
    log_origin,
    stored_checkpoints,
    tree_root,
)
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import add_change, block_of
from tests.support.seeds.people import as_owner

ALTERED = """
    alter table chain disable trigger user;
    update chain set entry = sha256('other') where seq = 3;
"""
NODES_MADE_AGAIN = """
    alter table chain_node disable trigger user;
    delete from chain_node;
"""
REMOVED = "alter table chain disable trigger user; delete from chain where seq = 8"


async def signed(pool: Pool) -> StoredCheckpoint:
    async with transaction(pool) as conn:
        found = await sign_checkpoint(conn, system_clock())
    assert found is not None
    return found


@pytest.fixture
async def account(pool: Pool) -> int:
    """Four changes with outcomes are recorded: eight entries."""
    async with transaction(pool) as conn:
        one, _ = await block_of(conn)
    return one.account_id


@pytest.mark.parametrize(
    ("done", "why"),
    [
        pytest.param(
            ALTERED + NODES_MADE_AGAIN, "the log does not begin with the 8 entries", id="an entry was altered"
        ),
        pytest.param(REMOVED, "the log has 7 of the 8 entries", id="an entry was removed"),
        pytest.param(
            "delete from installation_key where name = 'checkpoints'",
            "another key signed the stored checkpoint of 8 entries",
            id="the key was replaced",
        ),
        pytest.param(
            "alter table chain_checkpoint disable trigger user; "
            "update chain_checkpoint set root = sha256('x')",
            "the stored checkpoint of 8 entries was altered (the key did not sign it)",
            id="the checkpoint was altered",
        ),
        pytest.param(
            "alter table chain_checkpoint disable trigger user; update chain_checkpoint set note = 'x'",
            "the stored checkpoint of 8 entries was altered (it is not a signed checkpoint of a log)",
            id="the checkpoint is none",
        ),
    ],
)
async def test_a_log_that_does_not_continue_the_last_checkpoint_is_not_signed(
    pool: Pool, account: int, done: str, why: str
) -> None:
    first = await signed(pool)
    await as_owner(pool, done)
    async with transaction(pool) as conn:
        with pytest.raises(CheckpointRefused) as refused:
            await sign_checkpoint(conn, system_clock())
    assert str(refused.value).startswith(f"No checkpoint was signed: {why}")
    async with transaction(pool) as conn:
        (left,) = await stored_checkpoints(conn)
        state = await checkpoint_state(conn)
        fault = await checkpoints_fault(conn)
    assert left.checkpoint_id == first.checkpoint_id
    assert fault is not None
    assert fault.startswith(f"The checkpoints do not match: {why}")
    assert state is not None
    assert state.is_continued is ("another key" in why or "it is not a signed" in why)


async def test_a_node_that_is_missing_is_computed_and_an_entry_that_is_missing_is_said(
    pool: Pool, account: int
) -> None:
    first = await signed(pool)
    await as_owner(pool, NODES_MADE_AGAIN)
    assert await signed(pool) == first
    async with transaction(pool) as conn:
        await add_change(conn, account, "after", minutes(50))
    assert (await signed(pool)).size == 9
    await as_owner(
        pool, "alter table chain disable trigger user", "delete from chain where seq = 3", NODES_MADE_AGAIN
    )
    async with transaction(pool) as conn:
        await add_change(conn, account, "recorded all the same", minutes(51))
        with pytest.raises(EntryMissing):
            await sign_checkpoint(conn, system_clock())
        state = await checkpoint_state(conn)
        assert state is not None
        assert not state.is_continued
        assert "could not be compared" in str(await checkpoints_fault(conn))


async def test_a_pack_leads_to_a_saved_checkpoint_if_the_log_continues_it(pool: Pool, account: int) -> None:
    async with transaction(pool) as conn:
        origin, seed = await log_origin(conn), await checkpoint_key(conn)
        saved = signed_checkpoint(origin, 7, await tree_root(conn, 7), seed)
        assert await held_fault(conn, saved) is None
        made = made_pack(await signed_material(conn, 3, minutes(60), [saved]), minutes(60))
    assert saved.note.encode() in made.files.values()


async def test_a_saved_checkpoint_is_compared_only_if_the_key_signed_it(pool: Pool, account: int) -> None:
    async with transaction(pool) as conn:
        origin, seed = await log_origin(conn), await checkpoint_key(conn)
        rewritten = signed_checkpoint(origin, 7, bytes(32), seed)
        forged = signed_checkpoint(origin, 7, bytes(32), bytes(32))
        longer = signed_checkpoint(origin, 9, bytes(32), seed)
        said = [str(await held_fault(conn, one)) for one in (rewritten, forged, longer)]
        with pytest.raises(CommandError, match="does not continue the given checkpoint of 7 entries"):
            await signed_material(conn, 3, minutes(60), [rewritten])
    assert [one.partition(".")[0] for one in said] == [
        "The log does not continue the given checkpoint of 7 entries, which its key signed",
        f"The key of this log, {origin}+{key_of(origin, seed).id.hex()}, did not sign the given checkpoint "
        "of 7 entries",
        "The log does not continue the given checkpoint of 9 entries, which its key signed",
    ]
