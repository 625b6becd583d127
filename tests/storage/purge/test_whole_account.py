"""A whole purge leaves a number that names nobody; the chain tells it from a break."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.hash_chain import verify_chain
from storage.executives.follows import (
    Access,
    FollowReading,
    FollowStep,
    last_readings,
    note_access,
    record_follows,
)
from storage.executives.signals import executives, record_signals
from storage.model.core.accounts import Account
from storage.model.core.labels import LabelRefusal, RefusedLabel
from storage.model.core.signals import Signal, SignalKind
from storage.model.evidence.chain_check import ChainFault
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import Purged, purge_account, purges, without
from tests.storage.purge.test_purge import story, texts
from tests.support.samples.label_signing import FORGED, LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import AVAILABLE, SUSPENDED, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of

POINTING = """
    select con.conrelid::regclass::text, att.attname::text, con.confrelid::regclass::text
    from pg_constraint con
    join pg_attribute att on att.attrelid = con.conrelid and att.attnum = con.conkey[1]
    where con.contype = 'f' and con.confrelid in ('account'::regclass, 'change'::regclass,
        'executive'::regclass)
"""


async def whole(conn: Conn, account_id: int, reason: str = "") -> Purged:
    return await purge_account(conn, account_id, minutes(60), whole=True, reason=reason)


async def pointing_at(conn: Conn, one: Account, change_ids: list[int]) -> set[str]:
    """The tables of which a row points to the account or to one of its changes."""
    found: set[str] = set()
    for table, column, target in await conn.fetch(POINTING):
        ids = change_ids if target == "change" else [one.account_id]
        if await conn.fetchval(
            f'select exists (select from {table} where "{column}" = any($1::bigint[]))',  # noqa: S608
            ids,
        ):
            found.add(table)
    return found


async def changes_of(conn: Conn, one: Account) -> list[int]:
    rows = await conn.fetch("select change_id from change where account_id = $1", one.account_id)
    return [r[0] for r in rows]


async def test_after_a_whole_purge_nothing_but_its_log_points_to_the_account(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        ids = await changes_of(conn, one)
        before = await pointing_at(conn, one, ids)
        purged = await whole(conn, one.account_id)
        after = await pointing_at(conn, one, ids)
    assert {"change", "change_outcome", "spell", "alert", "fact", "membership", "watch_period"} <= before
    assert after == {"purge_log"}
    assert (purged.whole, purged.changes, purged.signals, purged.was_watched) == (True, 3, 1, True)


async def test_no_text_of_it_is_left_and_its_id_is_replaced_by_one_that_says_nothing(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["7000000001"], ("List",))
        await become(conn, await roster_of(conn, [one]), one, None, AVAILABLE, minutes(0), evidence=b"said")
        purged = await whole(conn, one.account_id)
        left = await texts(conn)
        row = await conn.fetchrow(
            "select native_id, handle, watched from account where account_id = $1", one.account_id
        )
        pieces = await conn.fetchval("select count(*) from evidence")
    assert row is not None
    assert tuple(row) == (purged.native_id, purged.native_id, False)
    assert purged.native_id == f"purged-{one.account_id}"
    assert "7000000001" not in left
    assert pieces == 0


async def test_what_is_known_of_others_stays_as_it_is(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await story(conn)
        rows = "select c::text from change c where account_id = $1 order by change_id"
        before = [r[0] for r in await conn.fetch(rows, two.account_id)]
        await whole(conn, one.account_id)
        assert [r[0] for r in await conn.fetch(rows, two.account_id)] == before
        (kept,) = await conn.fetch("select native_id, target_author_id from signal")
        assert tuple(kept) == ("501", "2")
        assert await conn.fetchval("select count(*) from coverage") == 5


async def test_evidence_that_another_account_rests_on_keeps_its_hash(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        roster = await roster_of(conn, [one, two])
        for n, each in enumerate((one, two)):
            await become(conn, roster, each, None, AVAILABLE, minutes(n), evidence=b"the same")
        await whole(conn, one.account_id)
        (left,) = await conn.fetch("select e.packed from change c join evidence e on sha256 = new_evidence")
    assert left["packed"] is None


async def test_the_chain_tells_what_was_purged_from_what_was_taken_out(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        entries = await conn.fetch("select * from chain order by seq")
        await whole(conn, one.account_id)
        assert await conn.fetch("select * from chain order by seq") == entries
        checked = await verify_chain(conn)
        assert (checked.broken, checked.entries, checked.purged) == (None, 9, 5)
        await conn.execute("alter table change_outcome disable trigger user")
        await conn.execute("delete from change_outcome")
        broken = (await verify_chain(conn)).broken
    assert broken is not None
    assert broken.fault is ChainFault.GONE


@pytest.mark.parametrize(
    "command",
    [
        "delete from change_outcome",
        "delete from change",
        "update change set status = 'available'",
        "truncate change_outcome",
        "delete from purged_change",
        "update purge_log set reason = 'other'",
    ],
)
async def test_the_purge_opens_the_append_only_tables_for_nothing_else(pool: Pool, command: str) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await whole(conn, one.account_id)
    with pytest.raises(Refused, match="append-only"):
        async with transaction(pool) as conn:
            await conn.execute(command)


async def test_a_second_whole_purge_finds_nothing_and_both_are_on_record_with_their_reasons(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await whole(conn, one.account_id, "asked for by the person, ticket 12")
        again = await whole(conn, one.account_id, "once more")
        log = await purges(conn)
    assert (again.changes, again.evidence, again.handles, again.facts, again.mails) == (0, 0, 0, 0, 0)
    assert [(p.whole, p.changes, p.reason, p.native_id) for p in log] == [
        (True, 0, "once more", f"purged-{one.account_id}"),
        (True, 3, "asked for by the person, ticket 12", f"purged-{one.account_id}"),
    ]


async def test_mails_that_an_earlier_purge_gave_the_id_lose_that_too(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, BLUESKY, ["did:plc:gone"])
        await conn.execute(
            """
            insert into mail (message_id, recipients, subject, text_body, html_body, created_at, state)
            values ('<1@blockline.test>', '{}', '@hdid:plc:gone', 'x', '<b>@hdid:plc:gone</b>', $1, 'sent')
            """,
            minutes(1),
        )
        await purge_account(conn, one.account_id, minutes(2))
        assert await conn.fetchval("select subject from mail") == "did:plc:gone"
        purged = await whole(conn, one.account_id)
        assert tuple((await conn.fetch("select subject, html_body from mail"))[0]) == (
            purged.native_id,
            f"<b>{purged.native_id}</b>",
        )


async def test_an_executive_is_forgotten_with_all_acts(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        chief = await account(conn, X, "99")
        purged = await whole(conn, chief.account_id)
        assert await executives(conn, X) == []
        assert await conn.fetchval("select count(*) from signal") == 0
    assert purged.signals == 2


async def test_others_who_moved_to_it_no_longer_say_so(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, MASTODON, ["a", "b"])
        await conn.execute(
            """
            insert into fact (account_id, kind, value, first_seen, recorded_at)
            values ($1, 'moved_to', 'ha', $2, $2)
            """,
            two.account_id,
            minutes(1),
        )
        await whole(conn, one.account_id)
        assert await conn.fetchval("select count(*) from fact") == 0


async def test_the_same_person_can_be_watched_again_and_begins_anew(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await whole(conn, one.account_id)
        await add_accounts(conn, [NewAccount(X, "1", "h1")], minutes(90))
        again = await account(conn, X, "1")
        assert again.account_id != one.account_id
        await become(conn, await roster_of(conn, [again]), again, None, SUSPENDED, minutes(91))
        assert (await verify_chain(conn)).broken is None


async def test_what_is_met_again_in_a_list_after_a_purge_is_not_taken_for_a_new_act(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        (chief,) = await executives(conn, X)
        boss = chief.account.account_id
        seen = {boss: Access(observable=True, reason="authorised")}
        await note_access(conn, SignalKind.LIKE, seen, minutes(4))
        await record_signals(
            conn, chief, [Signal(SignalKind.LIKE, "600", None, "402", "1")], "600", minutes(5)
        )
        first = FollowReading(boss, None, minutes(4), minutes(5), 1)
        await record_follows(conn, first, FollowStep(("1",), (), (), ()))
        await whole(conn, one.account_id)
        assert await last_readings(conn, X) == {}
        anew = FollowReading(boss, None, minutes(70), minutes(71), 1)
        assert await record_follows(conn, anew, FollowStep(("1",), (), (), ())) == 0
        (follow,) = await conn.fetch("select last_absent, first_seen from follow")
        await note_access(conn, SignalKind.LIKE, seen, minutes(72))
        access = await conn.fetch(
            "select since, observable from signal_access where kind = 'like' order by since"
        )
    assert tuple(follow) == (None, minutes(71))
    assert [tuple(r) for r in access] == [(minutes(4), True), (minutes(60), False), (minutes(72), True)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("did:plc:x: withheld", "NOBODY: withheld", id="at the beginning"),
        pytest.param("did:plc:xy, did:plc:x-y", None, id="not within a longer one"),
        pytest.param("(did:plc:x)", "(NOBODY)", id="in brackets"),
    ],
)
def test_an_id_is_taken_out_of_a_text(text: str, left: str | None) -> None:
    assert without(text, [], "NOBODY", "did:plc:x") == (text if left is None else left)


async def test_labels_about_it_and_its_posts_are_deleted_and_those_about_others_stay(pool: Pool) -> None:
    other = "did:plc:other2222222222222222222"
    refused = RefusedLabel(LABELER, LabelRefusal.FORGED, SUBJECT.encode())
    await store(pool, stated(), stated(POST), stated(other), seq=1, refused=(refused, FORGED))
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], minutes(0))
        await whole(conn, (await account(conn, BLUESKY, SUBJECT)).account_id)
        left = [row["subject"] for row in await conn.fetch("select subject from label")]
        kept_apart = [row["content"] for row in await conn.fetch("select content from refused_label")]
    assert left == [other]
    assert kept_apart == [FORGED.content]
