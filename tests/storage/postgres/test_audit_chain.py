"""Every act in the audit log has an entry in a hash chain, which shows when an act was altered."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.changes.hash_chain import add_anchor, newest_head, verify_chain
from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault
from storage.model.evidence.hash_chain import StatementKind
from storage.postgres.audit_chain import (
    AuditChainState,
    audit_chain_state,
    seal_audit_log,
    verify_audit_chain,
)
from storage.postgres.audit_log import log, log_each
from storage.postgres.pool import Pool, transaction
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
