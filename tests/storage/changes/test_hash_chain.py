"""The chain attests what was recorded, in the order in which it was, and shows when any of it was altered."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.changes.hash_chain import (
    add_anchor,
    anchors_since,
    heads,
    last_seq,
    newest_head,
    verify_chain,
)
from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault
from storage.model.evidence.hash_chain import (
    ChangeStatement,
    OutcomeStatement,
    StatementKind,
    read_statement,
    statement_bytes,
)
from storage.postgres.pool import Pool, StorageError, open_pool, transaction
from storage.purge.purge import purge_account
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.pipelines.late_batches import Desk, Record, Sent
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.chain_rows import add_change, add_outcome, block_of

ODD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(native_id=ODD.filter(bool), source=ODD, flags=st.lists(ODD, max_size=3), at=TIMES, before=TIMES)
async def test_the_database_and_this_program_make_the_same_statement_of_any_row(
    pool: Pool, native_id: str, source: str, flags: list[str], at: datetime, before: datetime
) -> None:
    async with transaction(pool) as conn:
        account_id = await conn.fetchval(
            """
            insert into account (platform, native_id, handle, added_at) values ('x', $1, 'h', now())
            on conflict (platform, native_id) do update set handle = 'h' returning account_id
            """,
            native_id,
        )
        since = await last_seq(conn)
        change = await add_change(
            conn,
            account_id,
            f"k{since}",
            at,
            source=source,
            flags=tuple(flags),
            last_seen_old=before if before < at else None,
            supersedes=None,
        )
        await add_outcome(conn, change, at)
        assert await verify_chain(conn, since) == ChainCheck(2, 0, None)
        said = await conn.fetchval("select chain_statement(c) from change c where change_id = $1", change)
    statement = read_statement(said.encode())
    assert isinstance(statement, ChangeStatement)
    assert (statement.account, statement.source, statement.flags) == (native_id, source, tuple(flags))
    assert statement_bytes(statement) == said.encode()


async def test_entries_before_the_start_of_a_check_are_trusted(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
        await conn.execute("alter table change disable trigger user")
        await conn.execute("update change set source = 'y' where change_id = 1")
        assert (await verify_chain(conn)).broken == Broken(ChainFault.LEAF, 1, StatementKind.CHANGE, 1)
        assert await verify_chain(conn, 2) == ChainCheck(6, 0, None)


async def test_the_entries_of_a_purged_account_stay_and_the_chain_is_whole(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await block_of(conn)
        await purge_account(conn, one.account_id, minutes(60), whole=True)
        assert await verify_chain(conn) == ChainCheck(8, 4, None)


async def test_an_anchor_belongs_to_an_entry_and_is_kept_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await newest_head(conn) is None
        await block_of(conn)
        assert await add_anchor(conn, 6, "https://one.example", b"token", minutes(50))
        assert not await add_anchor(conn, 6, "https://one.example", b"other", minutes(51))
        assert await add_anchor(conn, 8, "https://one.example", b"token", minutes(52))
        (head,) = await heads(conn, date(2021, 2, 1))
        assert [a.seq for a in head.anchors] == [6, 8]
        assert [a.seq for a in await anchors_since(conn, 7)] == [8]
        newest = await newest_head(conn)
        assert newest is not None
        assert [a.seq for a in newest.anchors] == [8]
    with pytest.raises(StorageError, match="foreign key"):
        async with transaction(pool) as conn:
            await add_anchor(conn, 99, "https://one.example", b"token", minutes(50))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b'{"statement":"change"}', id="fields are missing"),
        pytest.param(b"[" * 100_000, id="deeply nested"),
        pytest.param(
            b'{"statement":"outcome","change_id":true,"outcome":"a","reason":"b","readings":1,'
            b'"last_agreeing_at":"2021-02-04T07:33:10.000000Z","decided_at":"2021-02-04T07:33:10.000000Z"}',
            id="a truth value for a number",
        ),
        pytest.param(
            b'{"statement":"outcome","change_id":1,"outcome":"a","reason":"b","readings":1,'
            b'"last_agreeing_at":"0001-01-01T00:00:00+14:00","decided_at":"2021-02-04T07:33:10.000000Z"}',
            id="a time that there is not in UTC",
        ),
    ],
)
def test_an_invalid_statement_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a statement"):
        read_statement(content)


def test_a_statement_in_other_bytes_is_not_the_same_statement() -> None:
    statement = OutcomeStatement(1, "confirmed", "enough_strong", 2, minutes(1), minutes(2))
    content = statement_bytes(statement)
    assert read_statement(content) == statement
    for other in (content + b"\n", content.replace(b":", b": ", 1), content.replace(b'"b', b' "b', 1) + b" "):
        with pytest.raises(ValueError, match="form that is hashed"):
            read_statement(other)


A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND

BUSY = [
    Sent(0, {"1": A, "2": A, "3": N}),
    Sent(10, {"1": W, "2": S, "3": A}),
    Sent(20, {"1": W, "2": A, "3": A}),
    Record("before", "1", [(-100, S), (-50, A), (15, A)]),
    Sent(30, {"1": A, "2": S, "3": A}),
    Sent(40, {"1": A, "2": S, "3": A}),
    Record("during", "2", [(25, W), (26, W), (45, A)]),
    Sent(5, {"1": W, "2": A}),
    Sent(35, {"3": S, "2": A}),
    Sent(37, {"3": S}),
    Sent(50, {"1": N, "2": A, "3": S}),
    Sent(52, {"1": N, "2": A, "3": S}),
]


async def busy(pool: Pool) -> Desk:
    """In order, refuted, corrected, imported."""
    desk = Desk(pool)
    await desk.enlist("1", "2", "3")
    for delivery in BUSY:
        await desk.take(delivery)
    return desk


# the command ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)


def at_the_desk(dsn: str, *commands: str) -> None:
    """A busy history, and then what is done to it."""

    async def done() -> None:
        async with open_pool(dsn) as pool:
            await busy(pool)
            for command in commands:
                await pool.execute(command)

    asyncio.run(done())


def test_doctor_does_not_call_posts_accounts(dsn: str, run: Blockline) -> None:
    at_the_desk(dsn, "update account set is_post = true where account_id = 1")
    assert "status periods of 2 accounts and 1 post were rebuilt" in run("doctor", "--rebuild").said[0]


def test_doctor_repairs_what_differs_and_says_which_spells(dsn: str, run: Blockline) -> None:
    at_the_desk(dsn, "update spell set onset_after = null where spell_id = (select max(spell_id) from spell)")
    done = run("doctor", "--rebuild", "--json").json
    assert (done["accounts"], done["replaced"]) == (3, True)
    assert [one["onset_after"] for one in done["surplus"]] == [None]
    assert [one["onset_after"] is None for one in done["missing"]] == [False]

    again = run("doctor", "--rebuild", "--json").json
    assert (again["replaced"], again["missing"], again["surplus"]) == (False, [], [])


def test_doctor_says_how_many_spells_it_repaired(dsn: str, run: Blockline) -> None:
    at_the_desk(dsn, "delete from spell where spell_id in (select max(spell_id) from spell)")
    done = run("doctor", "--rebuild")
    assert done.code == 0
    assert done.said[0].endswith("; 1 missing and 0 wrong periods were corrected.")
