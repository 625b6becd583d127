"""The chain attests what was recorded, in the order in which it was, and shows when any of it was altered."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from storage.changes.hash_chain import (
    add_anchor,
    anchors_since,
    heads,
    last_seq,
    newest_head,
    verify_chain,
)
from storage.model.core.availability import State, Status
from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault
from storage.model.evidence.hash_chain import (
    BEGINNING,
    ChangeStatement,
    OutcomeStatement,
    StatementKind,
    entry_of,
    leaf_of,
    read_statement,
    statement_bytes,
)
from storage.postgres.pool import Conn, Pool, Refused, StorageError, connect, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import add_change, add_outcome, block_of
from tests.support.seeds.changes import enlist

ODD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


async def entries(conn: Conn) -> list[tuple[int, str, int]]:
    rows = await conn.fetch("select seq, kind, change_id from chain order by seq")
    return [(r["seq"], r["kind"], r["change_id"]) for r in rows]


async def test_every_change_and_outcome_gets_an_entry_that_follows_from_the_one_before(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
        assert await entries(conn) == [
            (1, "change", 1),
            (2, "outcome", 1),
            (3, "change", 2),
            (4, "outcome", 2),
            (5, "change", 3),
            (6, "outcome", 3),
            (7, "change", 4),
            (8, "outcome", 4),
        ]
        previous = BEGINNING
        for row in await conn.fetch("select leaf, entry from chain order by seq"):
            assert row["entry"] == entry_of(previous, row["leaf"])
            previous = row["entry"]
        assert await verify_chain(conn) == ChainCheck(8, 0, None)


async def test_a_statement_has_these_bytes_on_every_server_and_in_every_version(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute("set local timezone = 'Asia/Kolkata'")
        await conn.execute("set local datestyle = 'German'")
        (one,) = await enlist(conn, X, ['1"\\\t\u2028é'])
        at = datetime(2021, 2, 4, 7, 32, 10, 120000, UTC)
        change = await add_change(
            conn, one.account_id, "k", at, state=State(Status.WITHHELD, ("IN", "TR")), flags=("host",)
        )
        await add_outcome(conn, change, at + timedelta(minutes=1))
        said = await conn.fetchval("select chain_statement(c) from change c")
        ended = await conn.fetchval("select chain_statement(o) from change_outcome o")
        leaves = [r["leaf"] for r in await conn.fetch("select leaf from chain order by seq")]
    assert said == (
        '{"statement":"change","change_id":1,"supersedes":null,"platform":"x","account":"1\\"\\\\\\t\u2028é",'
        '"old_status":"available","old_withheld_in":[],"status":"withheld","withheld_in":["IN","TR"],'
        '"flags":["host"],"kind":"block","strength":"strong","last_seen_old":null,'
        '"first_seen_new":"2021-02-04T07:32:10.120000Z","recorded_at":"2021-02-04T07:32:10.120000Z",'
        '"source":"x","old_evidence":null,"new_evidence":null}'
    )
    assert ended == (
        '{"statement":"outcome","change_id":1,"outcome":"confirmed","reason":"enough_strong","readings":2,'
        '"last_agreeing_at":"2021-02-04T07:33:10.120000Z","decided_at":"2021-02-04T07:33:10.120000Z"}'
    )
    assert leaves == [leaf_of(said.encode()), leaf_of(ended.encode())]


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


async def test_rows_of_one_statement_are_chained_in_the_order_of_their_numbers(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, [str(n) for n in range(300)])
        await conn.execute(
            """
            insert into change (
                change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
            )
            select account_id::text, account_id, 'suspended', 'baseline', 'strong', $1, $1, 'x' from account
            """,
            minutes(0),
        )
        assert [c for _, _, c in await entries(conn)] == sorted(range(1, len(accounts) + 1))
        assert await verify_chain(conn) == ChainCheck(300, 0, None)


async def test_a_rolled_back_transaction_leaves_no_gap(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        await add_change(conn, one.account_id, "a", minutes(0))

    async def undone() -> None:
        async with transaction(pool) as conn:
            await add_change(conn, one.account_id, "b", minutes(1))
            await add_change(conn, one.account_id, "b", minutes(1))

    with pytest.raises(Refused):
        await undone()
    async with transaction(pool) as conn:
        await add_change(conn, one.account_id, "c", minutes(2))
        assert [seq for seq, _, _ in await entries(conn)] == [1, 2]
        assert await verify_chain(conn) == ChainCheck(2, 0, None)


async def test_writers_at_once_make_one_chain(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, [str(n) for n in range(6)])

    async def write(account_id: int) -> None:
        for n in range(10):
            async with transaction(pool) as conn:
                change = await add_change(conn, account_id, f"{account_id}-{n}", minutes(n))
                await add_outcome(conn, change, minutes(n))

    async with asyncio.TaskGroup() as group:
        for account in accounts:
            group.create_task(write(account.account_id))
    async with transaction(pool) as conn:
        assert await verify_chain(conn) == ChainCheck(120, 0, None)


async def test_a_writer_that_reads_an_old_state_of_the_database_is_refused_and_does_not_fork_the_chain(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
    old = await connect(dsn)
    try:
        async with old.transaction(isolation="repeatable_read"):
            await old.fetchval("select count(*) from change")
            async with transaction(pool) as conn:
                await add_change(conn, one.account_id, "a", minutes(0))
            with pytest.raises(Exception, match="chain_pkey"):
                await add_change(old, one.account_id, "b", minutes(1))
            raise asyncio.CancelledError  # noqa: TRY301 - undo
    except asyncio.CancelledError:
        pass
    finally:
        await old.close()
    async with transaction(pool) as conn:
        assert await verify_chain(conn) == ChainCheck(1, 0, None)


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        pytest.param(
            "update change set status = 'suspended', withheld_in = '{}' where change_id = 3",
            Broken(ChainFault.LEAF, 5, StatementKind.CHANGE, 3),
            id="another status",
        ),
        pytest.param(
            "update change set recorded_at = recorded_at + interval '1 microsecond' where change_id = 3",
            Broken(ChainFault.LEAF, 5, StatementKind.CHANGE, 3),
            id="another time, by a microsecond",
        ),
        pytest.param(
            "update account set native_id = '2' where native_id = '1'",
            Broken(ChainFault.LEAF, 1, StatementKind.CHANGE, 1),
            id="another account",
        ),
        pytest.param(
            "update change_outcome set readings = 9 where change_id = 3",
            Broken(ChainFault.LEAF, 6, StatementKind.OUTCOME, 3),
            id="another outcome",
        ),
        pytest.param(
            "delete from change_outcome where change_id = 3",
            Broken(ChainFault.GONE, 6, StatementKind.OUTCOME, 3),
            id="a row is gone that no purge removed",
        ),
        pytest.param(
            "delete from chain where seq = 5",
            Broken(ChainFault.NUMBER, 6, StatementKind.OUTCOME, 3),
            id="an entry is gone",
        ),
        pytest.param(
            "update chain set leaf = sha256('other') where seq = 5",
            Broken(ChainFault.LINK, 5, StatementKind.CHANGE, 3),
            id="another leaf",
        ),
        pytest.param(
            "update chain set at = at - interval '1 day' where seq = 5",
            Broken(ChainFault.TIME, 5, StatementKind.CHANGE, 3),
            id="it counts for another day",
        ),
        pytest.param(
            "delete from chain where seq > 6",
            Broken(ChainFault.UNCHAINED, None, StatementKind.CHANGE, 4),
            id="the end was cut off",
        ),
    ],
)
async def test_altered_rows_or_entries_are_found(pool: Pool, damage: str, broken: Broken) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
    async with transaction(pool) as conn:
        for table in ("change", "change_outcome", "chain"):
            await conn.execute(f"alter table {table} disable trigger user")
        await conn.execute(damage)
        checked = await verify_chain(conn)
    assert checked.broken == broken
    assert (
        broken.seq is None
        or checked.entries == min(broken.seq, 5 if broken.fault is ChainFault.NUMBER else 99) - 1
    )


async def test_a_row_that_was_added_past_the_trigger_is_found_also_among_the_newest(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await block_of(conn)
        await conn.execute("alter table change disable trigger change_chain")
        added = await add_change(conn, one.account_id, "by hand", minutes(40))
        for since in (0, 6):
            assert (await verify_chain(conn, since)).broken == Broken(
                ChainFault.UNCHAINED, None, StatementKind.CHANGE, added
            )


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


@pytest.mark.parametrize(
    "command", ["update chain set at = now()", "delete from chain", "truncate chain cascade"]
)
async def test_the_chain_can_not_be_rewritten(pool: Pool, command: str) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
    with pytest.raises(Refused, match="append-only"):
        async with transaction(pool) as conn:
            await conn.execute(command)


async def test_recording_a_change_needs_no_right_to_write_the_chain(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        await conn.execute("create role recorder_of_chain")
        try:
            await conn.execute("grant select, insert on change to recorder_of_chain")
            await conn.execute("grant select, insert on live_event to recorder_of_chain")
            await conn.execute("set local role recorder_of_chain")
            await add_change(conn, one.account_id, "a", minutes(0))
            for refused in (
                "insert into chain values (9, 'change', 1, null, null, '', '', now())",
                "select chain_append('{change}', '{1}', array[''::bytea], array[now()])",
            ):
                with pytest.raises(Exception, match="permission denied"):
                    async with conn.transaction():
                        await conn.execute(refused)
            await conn.execute("reset role")
            assert await verify_chain(conn) == ChainCheck(1, 0, None)
        finally:
            await conn.execute("reset role")
            await conn.execute("drop owned by recorder_of_chain")
            await conn.execute("drop role recorder_of_chain")


async def test_the_head_of_a_day_is_the_entry_with_the_highest_number_that_is_dated_on_it(pool: Pool) -> None:
    late = datetime(2021, 2, 1, 23, 59, 59, 999999, UTC)
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        await add_change(conn, one.account_id, "a", minutes(0))
        await add_change(conn, one.account_id, "b", late + timedelta(microseconds=1))
        await add_change(conn, one.account_id, "c", late)  # another clock, a little behind
        await conn.execute("set local timezone = 'Asia/Kolkata'")
        found = await heads(conn, date(2021, 1, 1))
        assert [(h.day, h.seq) for h in found] == [(date(2021, 2, 1), 3), (date(2021, 2, 2), 2)]
        assert await heads(conn, date(2021, 2, 2)) == found[1:]
        newest = await newest_head(conn)
    assert newest == found[0]


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
