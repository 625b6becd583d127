"""A purge takes out what an account wrote and is called; its ids, statuses and times stay."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts import canaries, side_facts
from storage.accounts.accounts import NewAccount, add_accounts, record_renames
from storage.accounts.handle_history import handles_of, record_handles
from storage.accounts.tags import AccountTags, change_tags, describe
from storage.alerts import mutes
from storage.executives.signals import add_executive, executives, record_signals
from storage.live.account_detail import account_detail
from storage.model.core.accounts import Account, HandleChange
from storage.model.core.availability import Flag, Status
from storage.model.core.orders import NameOutcome, NewName, NewOrder
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.model.core.signals import Signal, SignalKind
from storage.orders.name_edits import add_names
from storage.orders.orders import add_order, order_called
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import payload_without, purge_account, without
from storage.readings import evidence
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, minutes
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


async def texts(conn: Conn) -> str:
    """Every text that is stored, whatever table it is in."""
    tables = await conn.fetch(
        "select tablename from pg_tables where schemaname = 'public' and tablename <> 'change'"
    )
    found: list[str] = []
    for (name,) in tables:
        found += [r[0] for r in await conn.fetch(f'select t::text from "{name}" t')]  # noqa: S608
    return "\n".join(found)


async def test_after_a_purge_no_text_of_the_account_is_left_in_any_table(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        purged = await purge_account(conn, one.account_id, minutes(60))
        left = await texts(conn)
    for name in ("renamed", "@h1,", "h0", "(1,plc", "elsewhere.example", "a tag of", '"H1"', "@h1 withheld"):
        assert name not in left
    assert (purged.native_id, purged.evidence, purged.handles, purged.facts, purged.mails) == (
        "1",
        4,
        4,
        1,
        3,
    )
    assert (purged.changes, purged.signals, purged.was_watched) == (3, 1, True)


async def test_of_purged_evidence_the_hash_stays_and_it_does_not_come_back(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await story(conn)
        await purge_account(conn, one.account_id, minutes(60))
        rows = await conn.fetch(
            "select account_id, new_evidence from change where new_evidence is not null order by change_id"
        )
        assert [(r["account_id"], await evidence.load(conn, r["new_evidence"])) for r in rows] == [
            (one.account_id, None),
            (two.account_id, TWO),
            (one.account_id, None),
        ]
        (again,) = await evidence.store(conn, [ONE])
        assert again == rows[0]["new_evidence"]
        assert await evidence.load(conn, rows[0]["new_evidence"]) is None
        assert {r[0] for r in await conn.fetch("select purged_at from evidence where packed is null")} == {
            minutes(60)
        }


async def test_changes_spells_and_renames_stay_with_their_times(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        before = await account_detail(conn, one.account_id, minutes(60), 60 * MINUTE)
        await purge_account(conn, one.account_id, minutes(60))
        after = await account_detail(conn, one.account_id, minutes(60), 60 * MINUTE)
        handles = await handles_of(conn, one.account_id)
    assert before is not None
    assert after is not None
    assert (after.handle, after.watched, after.lists) == ("1", False, ("List",))
    assert after.spells == before.spells
    assert [c.change_id for c in after.changes] == [c.change_id for c in before.changes]
    assert (after.changes[0].outcome, after.changes[0].reason) == ("not_confirmed", "no_longer_watched")
    assert [(r.old, r.new, r.first_seen_new) for r in after.renames] == [("1", "1", minutes(22))]
    assert [(h.handle, h.since) for h in handles] == [("1", minutes(-60)), ("1", minutes(-90))]


async def test_side_facts_stay_and_only_words_of_the_account_go(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await purge_account(conn, one.account_id, minutes(60))
        kept = {(f.observer, f.kind, f.value) for f in await side_facts.facts_of(conn, one.account_id)}
    assert kept == {("", Flag.MOVED, ""), ("", Flag.LIMITED, ""), ("tr", ObservedKind.SEEN_AS, "withheld TR")}


async def test_a_purge_is_logged_each_time_and_the_second_one_finds_nothing_to_do(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await purge_account(conn, one.account_id, minutes(60))
        second = await purge_account(conn, one.account_id, minutes(70))
        log = await conn.fetch(
            "select account_id, at, evidence, handles, facts, mails from purge_log order by 2"
        )
    assert (second.evidence, second.handles, second.facts, second.mails) == (0, 0, 0, 0)
    assert not second.was_watched
    assert [tuple(r) for r in log] == [
        (one.account_id, minutes(60), 4, 4, 1, 3),
        (one.account_id, minutes(70), 0, 0, 0, 0),
    ]


async def test_a_purge_log_can_not_be_rewritten(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await purge_account(conn, one.account_id, minutes(60))
    with pytest.raises(Refused, match="append-only"):
        async with transaction(pool) as conn:
            await conn.execute("delete from purge_log")


async def test_a_purged_account_can_be_watched_again_by_its_id(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await purge_account(conn, one.account_id, minutes(60))
        await add_accounts(conn, [NewAccount(X, "1", "1")], minutes(90))
        assert await conn.fetchval("select handle from account where native_id = '1' and watched") == "1"


async def test_a_control_account_of_the_settings_is_not_purged_and_a_chosen_one_ceases_to_be_one(
    pool: Pool,
) -> None:
    named, found = ("900", "stable", Status.AVAILABLE), ("950", "found", Status.AVAILABLE)
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, X, [named], T0)
        (chosen,) = await canaries.choose(conn, X, "", [found], T0)
        (settings, _) = await canaries.canaries(conn, X)
        with pytest.raises(Refused, match="@stable is a control account"):
            await purge_account(conn, settings.account.account_id, minutes(1))
        await purge_account(conn, chosen.account.account_id, minutes(1))
        assert await canaries.canaries(conn, X) == [settings]


async def test_an_account_that_does_not_exist_is_refused(pool: Pool) -> None:
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match="no account with the number 7"):
            await purge_account(conn, 7, minutes(1))


@pytest.mark.parametrize(
    ("names", "text", "left"),
    [
        pytest.param(["ann"], "@ann, @Ann and (@ann)", "ID, ID and (ID)", id="alone, in any capitals"),
        pytest.param(["ann"], "Ann was here, ann@x.example too", None, id="not without an @ before it"),
        pytest.param(["ann"], "@anna @ann_b @ann-b @joann", None, id="not within a longer handle"),
        pytest.param(["ann"], "@ann.example @ann@m.example", None, id="not within a domain or an address"),
        pytest.param(["ann.example"], "It was @ann.example.", "It was ID.", id="at the end of a sentence"),
        pytest.param(["ann@m.example"], "@ann@m.example: gone", "ID: gone", id="a handle with its server"),
        pytest.param(["ann", "ann.example"], "@ann.example @ann", "ID ID", id="the longest name first"),
        pytest.param(["a.b"], "@axb", None, id="a dot is a dot"),
        pytest.param([], "@ann", None, id="no name, no change"),
    ],
)
def test_a_name_is_taken_out_of_a_text(names: list[str], text: str, left: str | None) -> None:
    assert without(text, names, "ID") == (text if left is None else left)


@pytest.mark.parametrize(
    ("handle", "stands"),
    [("h1", "1"), ("H1", "1"), ("@h1", "1"), ("h10", "h10"), ("1", "1")],
    ids=["the handle", "in capitals", "with its sign", "a longer one", "the id that stays"],
)
def test_a_handle_that_stands_alone_in_a_payload_is_taken_out(handle: str, stands: str) -> None:
    payload = f'{{"changes":[{{"handle":"{handle}"}}],"headline":"A","text":null}}'
    assert payload_without(payload, ["h1"], "1") == payload.replace(handle, stands)


@pytest.mark.parametrize("whole", [False, True])
async def test_the_posts_of_a_purged_account_are_purged_with_it_and_no_name_holds_its_handle(
    pool: Pool, *, whole: bool
) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        stranger = NewAccount(X, "post:7", "h10/7")
        await add_accounts(conn, [NewAccount(X, "post:5", "H1/5"), stranger], T0)
        post = await account(conn, X, "post:5")
        roster = await roster_of(conn, [post])
        await become(conn, roster, post, None, AVAILABLE, minutes(50))
        await become(conn, roster, post, AVAILABLE, WITHHELD_IN, minutes(51), evidence=b'{"post":"of h1"}')
        order = NewOrder("R", "t", "i", "IN", "b", T0, None, None, None, 0, "R", T0)
        await add_order(conn, order, T0)
        order_id = (await order_called(conn, "R")).order_id
        unread = NewName("h1 wrote 6", X, "H1/6", "6", NameOutcome.NOT_TRIED, None, "", "a paper")
        await add_names(conn, order_id, [unread], T0)
        purged = await purge_account(conn, one.account_id, minutes(60), whole=whole)
        left = (await texts(conn)).lower()
        watched = await conn.fetch("select handle from account where watched order by 1")
    assert purged.posts == 1
    assert "h1/" not in left
    assert "h1 wrote" not in left
    assert '"post"' not in left
    assert [r["handle"] for r in watched] == ["h10/7", "h2"]


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


async def test_a_post_that_was_purged_whole_is_still_called_a_post(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "post:5", "h1/5")], T0)
        post = await account(conn, X, "post:5")
        await purge_account(conn, post.account_id, minutes(60), whole=True)
        found = await account_detail(conn, post.account_id, minutes(61), 60 * MINUTE)
    assert found is not None
    assert found.noun == "post"
