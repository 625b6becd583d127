"""A purge takes out what an account wrote and is called; its ids, statuses and times stay."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts import side_facts
from storage.accounts.accounts import NewAccount, add_accounts, record_renames
from storage.accounts.handle_history import record_handles
from storage.accounts.tags import AccountTags, change_tags, describe
from storage.alerts import mutes
from storage.executives.signals import add_executive, executives, record_signals
from storage.model.core.accounts import Account, HandleChange
from storage.model.core.availability import Flag
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.model.core.signals import Signal, SignalKind
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import Purged, purge_account, purges
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of

ONE, TWO = b'{"id":"1","name":"One"}', b'{"id":"2","name":"Two"}'


async def story(conn: Conn) -> tuple[Account, Account]:
    """Two accounts that were withheld; the first one was renamed, moved, mailed about and reposted."""
    one, two = await enlist(conn, X, ["1", "2"], ("List",))
    roster = await roster_of(conn, [one, two])
    for n, (each, document) in enumerate([(one, ONE), (two, TWO)]):
        await become(conn, roster, each, None, AVAILABLE, minutes(n))
        await become(conn, roster, each, AVAILABLE, WITHHELD_IN, minutes(20 + n), evidence=document)
    await become(
        conn, roster, one, WITHHELD_IN, SUSPENDED, minutes(40), evidence=ONE + b"again", confirmed=False
    )
    await record_renames(
        conn, [HandleChange(one.account_id, "h1", "renamed", minutes(20), minutes(22))], minutes(22)
    )
    await record_handles(
        conn, one.account_id, [("h0", minutes(-90)), ("h1", minutes(-60))], "plc", minutes(5)
    )
    said = frozenset({(Flag.MOVED, "one@elsewhere.example"), (Flag.LIMITED, "")})
    await side_facts.observe(conn, "", [FactSighting(one.account_id, said, None, minutes(20))])
    elsewhere = frozenset({(ObservedKind.SEEN_AS, "withheld TR")})
    await side_facts.observe(conn, "tr", [FactSighting(one.account_id, elsewhere, None, minutes(20))])
    await change_tags(conn, one, ["press"], [], "Asha", T0)
    await describe(conn, [AccountTags(X, "1", ("a tag of h1",), 12)], T0)
    await mutes.mute_account(conn, one.account_id, T0, None, "", "Asha", T0)
    # More accounts than a mail lists: only its payload has them all.
    await conn.execute(
        """
        insert into mail (
            message_id, recipients, subject, text_body, html_body, created_at, state, payload
        )
        values ('<w@x>', '{webhook:desk}', 'Many', 'Many', 'Many', $1, 'sent', $2)
        """,
        T0,
        '{"changes":[{"handle":"H1"},{"handle":"h10"}],"headline":"@h1 withheld","text":null}',
    )
    for n, name in enumerate(["@h1, @h2 and @h10", "@renamed."]):
        await conn.execute(
            """
            insert into mail (message_id, recipients, subject, text_body, html_body, created_at, state)
            values ($1, '{desk@example.org}', $2, $2, $3, $4, 'sent')
            """,
            f"<{n}@blockline.test>",
            f"{name} withheld in IN",
            f"<b>{name}</b>",
            minutes(22),
        )
    await add_executive(conn, X, "99", "chief", "Ada Chief", "Chief executive", T0)
    (chief,) = await executives(conn, X)
    acts = [
        Signal(SignalKind.REPOST, "500", minutes(1), "400", "1"),
        Signal(SignalKind.REPLY, "501", minutes(2), "401", "2"),
    ]
    await record_signals(conn, chief, acts, "501", minutes(3))
    return one, two


async def test_a_purge_log_can_not_be_rewritten(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await purge_account(conn, one.account_id, minutes(60))
    with pytest.raises(Refused, match="append-only"):
        async with transaction(pool) as conn:
            await conn.execute("delete from purge_log")


async def test_an_account_that_does_not_exist_is_refused(pool: Pool) -> None:
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match="no account with the number 7"):
            await purge_account(conn, 7, minutes(1))


async def test_a_post_whose_id_names_its_author_is_purged_with_that_author_alone(pool: Pool) -> None:
    one, two = (f"did:plc:{letter * 24}" for letter in "ab")
    key = "app.bsky.feed.post/3l6oveex3ii2l"
    stored = [
        NewAccount(BLUESKY, one, "one.example"),
        NewAccount(BLUESKY, f"at://{one}/{key}", "former.example/3l6oveex3ii2l"),
        NewAccount(BLUESKY, f"at://{two}/{key}", "one.example/3l6oveex3ii2l"),
    ]
    async with transaction(pool) as conn:
        await add_accounts(conn, stored, T0)
        author = await account(conn, BLUESKY, one)
        purged = await purge_account(conn, author.account_id, minutes(60))
        watched = await conn.fetch("select native_id from account where watched")
    assert purged.posts == 1
    assert [r["native_id"] for r in watched] == [f"at://{two}/{key}"]


async def whole(conn: Conn, account_id: int, reason: str = "") -> Purged:
    return await purge_account(conn, account_id, minutes(60), whole=True, reason=reason)


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
