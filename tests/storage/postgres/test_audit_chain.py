"""Every act in the audit log has an entry in a hash chain, which shows when an act was altered."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.changes.hash_chain import add_anchor, newest_head, verify_chain
from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault
from storage.model.evidence.hash_chain import StatementKind
from storage.model.evidence.merkle_tree import GrowingTree
from storage.postgres.audit_chain import (
    AuditChainState,
    audit_chain_state,
    seal_audit_log,
    verify_audit_chain,
)
from storage.postgres.audit_log import log, log_each
from storage.postgres.merkle_log import (
    CheckpointState,
    add_checkpoint,
    checkpoint_state,
    tree_root,
)
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.people import AUDIT_CHAIN_MADE_AGAIN, as_owner, logged

ENTRY = StatementKind.AUDIT_ENTRY
ODD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


async def sealed(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seal_audit_log(conn, minutes(60))


async def checked(pool: Pool) -> ChainCheck:
    async with transaction(pool) as conn:
        return await verify_audit_chain(conn)


async def test_every_act_has_an_entry_once_it_is_committed(pool: Pool) -> None:
    assert await checked(pool) == ChainCheck(0, 0, None)
    await logged(pool)
    async with transaction(pool) as conn:
        await log_each(conn, minutes(9), "ada", "tags changed", [(f"account {n}", {}) for n in range(300)])
    assert await checked(pool) == ChainCheck(306, 0, None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=TIMES,
    words=st.tuples(ODD, ODD, ODD),
    detail=st.dictionaries(
        ODD, st.recursive(st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | ODD, st.lists)
    ),
)
async def test_the_database_and_this_program_make_the_same_statement_of_any_act(
    pool: Pool, at: datetime, words: tuple[str, str, str], detail: dict[str, object]
) -> None:
    async with transaction(pool) as conn:
        await log(conn, at, *words, detail)
    assert (await checked(pool)).broken is None


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        pytest.param(
            """update audit_log set detail = '{"before": [], "tags": ["b"]}' where audit_id = 3""",
            Broken(ChainFault.LEAF, 3, ENTRY, 3),
            id="one detail was changed",
        ),
        pytest.param(
            "update audit_log set at = at + interval '1 microsecond' where audit_id = 3",
            Broken(ChainFault.LEAF, 3, ENTRY, 3),
            id="the time was changed by a microsecond",
        ),
        pytest.param(
            "update audit_log set actor = 'bob' where audit_id = 3",
            Broken(ChainFault.LEAF, 3, ENTRY, 3),
            id="somebody else did it",
        ),
        pytest.param(
            "delete from audit_log where audit_id = 6",
            Broken(ChainFault.GONE, 6, ENTRY, 6),
            id="the last was deleted",
        ),
        pytest.param(
            "delete from audit_log where audit_id = 3",
            Broken(ChainFault.GONE, 3, ENTRY, 3),
            id="one in the middle was deleted",
        ),
        pytest.param(
            "insert into audit_log (at, actor, action, subject) values (now(), 'ada', 'a', 'b')",
            Broken(ChainFault.UNCHAINED, None, ENTRY, 7),
            id="one was inserted",
        ),
        pytest.param(
            """
            update audit_log a set at = b.at, actor = b.actor, action = b.action, subject = b.subject
            from audit_log b where a.audit_id in (2, 3) and b.audit_id = 5 - a.audit_id
            """,
            Broken(ChainFault.LEAF, 2, ENTRY, 2),
            id="two were swapped",
        ),
        pytest.param(
            """
            create temp table two on commit drop as
                select seq, audit_id, leaf from audit_chain where seq in (2, 3);
            delete from audit_chain where seq = 2;
            update audit_chain set audit_id = 2, leaf = (select leaf from two where seq = 2) where seq = 3;
            insert into audit_chain select 2, t.audit_id, t.leaf, sha256(k.entry || t.leaf)
            from two t, audit_chain k where t.seq = 3 and k.seq = 1
            """,
            Broken(ChainFault.LINK, 3, ENTRY, 2),
            id="two were swapped with their entries",
        ),
        pytest.param(
            "delete from audit_log where audit_id = 3; delete from audit_chain where seq = 3",
            Broken(ChainFault.NUMBER, 4, ENTRY, 4),
            id="one was deleted with its entry",
        ),
        pytest.param(
            "update audit_chain set leaf = sha256('other') where seq = 3",
            Broken(ChainFault.LINK, 3, ENTRY, 3),
            id="an entry was changed",
        ),
    ],
)
async def test_the_first_entry_that_does_not_fit_is_found_without_any_head(
    pool: Pool, damage: str, broken: Broken
) -> None:
    await logged(pool)
    await as_owner(pool, damage)
    assert (await checked(pool)).broken == broken


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        pytest.param(
            ("update audit_log set actor = 'bob' where audit_id = 3", AUDIT_CHAIN_MADE_AGAIN),
            Broken(ChainFault.HEAD, 6, ENTRY, 6),
            id="all was computed again from one act on",
        ),
        pytest.param(
            ("delete from audit_log where audit_id = 3", AUDIT_CHAIN_MADE_AGAIN),
            Broken(ChainFault.HEAD, 6, ENTRY, 7),
            id="one was deleted, and all computed again",
        ),
        pytest.param(
            ("delete from audit_log where audit_id >= 6", AUDIT_CHAIN_MADE_AGAIN),
            Broken(ChainFault.NUMBER, 6, StatementKind.AUDIT_HEAD, 6),
            id="the last were deleted with their entries",
        ),
    ],
)
async def test_a_chain_that_was_made_again_contradicts_its_head_in_the_chain_of_changes(
    pool: Pool, damage: tuple[str, ...], broken: Broken
) -> None:
    await logged(pool)
    await sealed(pool)
    await logged(pool, 1)
    await as_owner(pool, *damage)
    found = await checked(pool)
    assert found.broken == broken
    async with transaction(pool) as conn:
        of_changes = await verify_chain(conn)
    assert of_changes.broken is not None, "the same head does not fit there"
    assert of_changes.broken.kind is StatementKind.AUDIT_HEAD


async def test_what_came_after_the_last_head_can_be_made_again_unseen(pool: Pool) -> None:
    await logged(pool, 3)
    await sealed(pool)
    await logged(pool, 3)
    await as_owner(pool, "update audit_log set actor = 'bob' where audit_id = 5", AUDIT_CHAIN_MADE_AGAIN)
    assert await checked(pool) == ChainCheck(6, 0, None)


async def test_a_head_is_put_into_the_chain_of_changes_once(pool: Pool) -> None:
    await sealed(pool)
    async with transaction(pool) as conn:
        assert await newest_head(conn) is None, "an empty log has no head"
        await block_of(conn)
    await logged(pool)
    for _ in range(2):
        await sealed(pool)
    async with transaction(pool) as conn:
        assert await verify_chain(conn) == ChainCheck(9, 0, None)
        head = await newest_head(conn)
        assert head is not None
        assert head.seq == 9
    await logged(pool, 2)
    async with transaction(pool) as conn:
        state = await audit_chain_state(conn)
        assert state == AuditChainState(8, 6, minutes(60), 0, None)
        await add_anchor(conn, 9, "https://one.example", b"token", minutes(61))
        await add_anchor(conn, 9, "https://other.example", b"token", minutes(62))
    await sealed(pool)
    async with transaction(pool) as conn:
        state = await audit_chain_state(conn)
        assert (state.sealed, state.anchored, state.anchored_at) == (8, 6, minutes(61))


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
