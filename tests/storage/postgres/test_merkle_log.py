"""The database completes the nodes of the tree as entries are added, in whatever portions they come."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.changes.hash_chain import verify_chain
from storage.model.evidence.chain_check import ChainCheck
from storage.model.evidence.merkle_tree import GrowingTree
from storage.postgres.merkle_log import (
    CheckpointState,
    add_checkpoint,
    checkpoint_state,
    tree_root,
)
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.people import as_owner

NODES = "select seq, hashes from chain_node order by seq"


async def add_at_once(conn: Conn, account_id: int, n: int) -> None:
    """So many changes in one statement, so that one call appends all their entries."""
    await conn.execute(
        """
        insert into change (
            change_key, account_id, old_status, status, kind, strength, first_seen_new, recorded_at, source
        )
        select 'k' || (select count(*) from change) || '-' || n, $1, 'available', 'suspended', 'block',
            'strong', $3, $3, 'x'
        from generate_series(1, $2) as n
        """,
        account_id,
        n,
        minutes(50),
    )


async def nodes_of(conn: Conn) -> tuple[list[tuple[int, bytes]], GrowingTree]:
    """The nodes that the entries complete, and the tree of all of them."""
    tree, out = GrowingTree(0, []), list[tuple[int, bytes]]()
    for row in await conn.fetch("select seq, entry from chain order by seq"):
        if done := tree.add(row["entry"]):
            out.append((row["seq"], b"".join(done)))
    return out, tree


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(portions=st.lists(st.integers(1, 20), max_size=5))
async def test_the_nodes_are_those_of_the_entries(pool: Pool, portions: list[int]) -> None:
    async with transaction(pool) as conn:
        account_id = await conn.fetchval(
            """
            insert into account (platform, native_id, handle, added_at) values ('x', '7', 'h', now())
            on conflict (platform, native_id) do update set handle = 'h' returning account_id
            """
        )
        for n in portions:
            await add_at_once(conn, account_id, n)
        expected, tree = await nodes_of(conn)
        assert [(r["seq"], r["hashes"]) for r in await conn.fetch(NODES)] == expected
        assert await tree_root(conn, tree.size) == tree.root
        assert await verify_chain(conn) == ChainCheck(tree.size, 0, None, None)
        for since in {0, tree.size // 3, tree.size}:
            checked = await verify_chain(conn, since)
            assert (checked.entries, checked.node) == (tree.size - since, None)


@pytest.mark.parametrize(
    ("done", "node"),
    [
        pytest.param("delete from chain_node where seq = 4", 4, id="one is missing"),
        pytest.param("update chain_node set hashes = sha256('x') where seq = 6", 6, id="one is another"),
        pytest.param("insert into chain_node values (10, sha256('x'))", 10, id="one is after the last entry"),
    ],
)
async def test_the_check_names_the_first_node_that_is_wrong_and_checks_all_entries(
    pool: Pool, done: str, node: int
) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
    await as_owner(pool, "alter table chain_node disable trigger user", done)
    async with transaction(pool) as conn:
        assert await verify_chain(conn) == ChainCheck(8, 0, None, node)


@pytest.mark.parametrize(
    ("size", "is_continued"),
    [
        pytest.param(6, True, id="newer entries follow"),
        pytest.param(8, True, id="it covers all entries"),
        pytest.param(9, False, id="it covers more entries than there are"),
    ],
)
async def test_the_state_of_the_newest_checkpoint_says_whether_the_log_continues_it(
    pool: Pool, size: int, is_continued: bool
) -> None:
    async with transaction(pool) as conn:
        assert await checkpoint_state(conn) is None
        await block_of(conn)
        other = await add_checkpoint(conn, 5, bytes(32), "key", "note", minutes(60))
        assert await checkpoint_state(conn) == CheckpointState(5, other.at, is_continued=False)
        root = await tree_root(conn, min(size, 8))
        newest = await add_checkpoint(conn, size, root, "key", "note", minutes(61))
        assert await checkpoint_state(conn) == CheckpointState(size, newest.at, is_continued)
