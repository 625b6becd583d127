"""Control accounts, side facts, and searches of accounts and posts."""

from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.server.search import found_json
from storage.accounts import canaries, side_facts
from storage.accounts.accounts import NewAccount, add_accounts, memberships, stop_watching
from storage.accounts.canaries import Origin
from storage.accounts.search import search
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.postgres.pool import Conn, Pool, Refused, transaction
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of
from tests.support.seeds.posts import DID, seed_posts

STABLE = ("900", "stable", Status.AVAILABLE)
FOUND = ("950", "found", Status.AVAILABLE)


async def names(conn: Conn, platform: Platform = X) -> list[tuple[str, Status, str, Origin]]:
    return [
        (c.account.handle, c.expected, c.place, c.origin) for c in await canaries.canaries(conn, platform)
    ]


async def test_a_control_account_of_the_settings_can_not_be_watched(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, BLUESKY, [STABLE], T0)
        with pytest.raises(
            Refused, match=r"@stable is a control account, .* from the setting bluesky_canaries"
        ):
            await add_accounts(conn, [NewAccount(BLUESKY, "900", "stable")], T0)
        await enlist(conn, X, ["1"])
        with pytest.raises(Refused, match=r"@h1 is watched.* setting x_canaries"):
            await canaries.set_canaries(conn, X, [("1", "h1", Status.AVAILABLE)], T0)


async def test_a_chosen_control_account_makes_way_for_a_user_who_wants_to_watch_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.choose(conn, X, "", [FOUND], T0)
        added = await add_accounts(conn, [NewAccount(X, "950", "found", ("List",))], T0)
        assert (added.accounts, added.memberships) == (0, 1)
        assert await names(conn) == []
        assert (await account(conn, X, "950")).account_id in await memberships(conn, X)
        assert await conn.fetchval("select watched from account where native_id = '950'")


async def test_doubts_count_from_the_first_look_that_was_otherwise_until_one_is_right(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (chosen,) = await canaries.choose(conn, X, "", [FOUND], T0)
        one = chosen.account.account_id
        assert await canaries.doubt(conn, one, minutes(1)) == (1, minutes(1))
        assert await canaries.doubt(conn, one, minutes(2)) == (2, minutes(1))
        (doubted,) = await canaries.canaries(conn, X)
        assert (doubted.doubts, doubted.doubted_since) == (2, minutes(1))
        await canaries.trust(conn, [one])
        (trusted,) = await canaries.canaries(conn, X)
        assert (trusted.doubts, trusted.doubted_since) == (0, None)


async def test_a_retired_control_account_is_asked_no_more_and_stays_on_record(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (chosen,) = await canaries.choose(conn, X, "", [FOUND], T0)
        await canaries.retire(conn, chosen.account.account_id, minutes(5))
        assert await names(conn) == []
        assert await conn.fetchval("select retired_at from canary") == minutes(5)
        with pytest.raises(Refused):
            await canaries.doubt(conn, chosen.account.account_id, minutes(6))
        assert await canaries.choose(conn, X, "", [FOUND], minutes(6)) == []
        other = [("950", "found", Status.SUSPENDED)]
        assert len(await canaries.choose(conn, X, "", other, minutes(7))) == 1
        assert await names(conn) == [("found", Status.SUSPENDED, "", Origin.CHOSEN)]


@pytest.mark.parametrize(
    ("state", "since", "listed", "offered"),
    [
        pytest.param(SUSPENDED, 0, False, True, id="long suspended and on no list"),
        pytest.param(SUSPENDED, 0, True, False, id="on a list"),
        pytest.param(SUSPENDED, 90, False, False, id="suspended lately"),
        pytest.param(AVAILABLE, 0, False, False, id="not suspended"),
    ],
)
async def test_a_known_suspended_control_account_is_taken_from_those_that_nobody_watches(
    pool: Pool, state: State, since: float, listed: bool, offered: bool
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",) if listed else ())
        roster = await roster_of(conn, [one])
        await become(conn, roster, one, None, state, minutes(since))
        before = T0 + timedelta(hours=1)
        assert await canaries.unlisted_suspended(conn, X, before, 5) == []
        await stop_watching(conn, X, "h1", minutes(95))
        found = await canaries.unlisted_suspended(conn, X, before, 5)
        assert [a.native_id for a in found] == (["1"] if offered else [])
        await canaries.choose(conn, X, "", [("1", "h1", Status.SUSPENDED)], T0)
        assert await canaries.unlisted_suspended(conn, X, before, 5) == []


LIMITED = (Flag.LIMITED, "")
MOVED = (Flag.MOVED, "new@social.example")
Kinds = frozenset[tuple[Flag | ObservedKind, str]]


@pytest.fixture
async def one(pool: Pool) -> AccountId:
    async with transaction(pool) as conn:
        (account,) = await enlist(conn, MASTODON, ["1"])
    return account.account_id


def look(
    account_id: AccountId, at: float, before: float | None, *seen: tuple[Flag | ObservedKind, str]
) -> FactSighting:
    return FactSighting(account_id, frozenset(seen), None if before is None else minutes(before), minutes(at))


async def test_the_facts_that_last_are_told_of_those_who_are_named_and_of_nobody_else(pool: Pool) -> None:
    async with transaction(pool) as conn:
        first, other = (a.account_id for a in await enlist(conn, MASTODON, ["1", "2"]))
        await side_facts.observe(conn, "", [look(first, 15, 0, LIMITED), look(other, 15, 0, MOVED)])
        assert await side_facts.open_facts(conn, MASTODON, only=[first]) == {first: frozenset({LIMITED})}
        assert await side_facts.open_facts(conn, MASTODON, only=[]) == {}


KINDS = st.frozensets(st.sampled_from([LIMITED, MOVED, (Flag.MEMORIAL, "")]))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(KINDS, min_size=1, max_size=8), repeats=st.lists(st.integers(0, 7), max_size=6))
async def test_facts_fold_to_what_the_looks_showed_however_often_they_arrive(
    pool: Pool, story: list[Kinds], repeats: list[int]
) -> None:
    """Every look of the story is covered by exactly the facts that it showed."""
    async with transaction(pool) as conn:
        native_id = str(await conn.fetchval("select count(*) from account"))
        (account,) = await enlist(conn, BLUESKY, [native_id])
        looks = [
            FactSighting(account.account_id, seen, minutes(15 * (n - 1)) if n else None, minutes(15 * n))
            for n, seen in enumerate(story)
        ]
        for n, one in enumerate(looks):
            await side_facts.observe(conn, "", [one])
            late = [looks[i] for i in repeats if i <= n]
            assert await side_facts.observe(conn, "", late) == 0
        stored = await side_facts.facts_of(conn, account.account_id)
    for one in looks:
        shown = {
            (f.kind, f.value)
            for f in stored
            if f.first_seen <= one.at and (f.last_seen is None or one.at <= f.last_seen)
        }
        assert shown == one.facts
    for f in stored:
        assert f.last_absent is None or f.last_absent < f.first_seen
        assert f.first_absent is None or (f.last_seen is not None and f.last_seen < f.first_absent)


ANN = "https://one.example/@ann/109"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("post:101", ["post @alice/101"], id="by its id here"),
        pytest.param("201", ["post @stranger/201"], id="by its id on the platform"),
        pytest.param(
            "alice",
            ["account @Alice", "post @alice/101", "post @alice/102", "post @alice/103"],
            id="by its author, after the account of the author",
        ),
        pytest.param("https://x.com/alice/status/101", ["post @alice/101"], id="by the address of its page"),
        pytest.param(
            "https://x.com/alice/status/101?s=20", ["post @alice/101"], id="by the address with what follows"
        ),
        pytest.param("https://x.com/i/status/101", ["post @alice/101"], id="by an address without author"),
        pytest.param("https://x.com/i/status/1", [], id="no post whose id ends so"),
        pytest.param("twitter.com/Bob/status/103", ["post @alice/103"], id="its author had another handle"),
        pytest.param("https://x.com/al", ["account @al"], id="an account by the address of its profile"),
        pytest.param(
            f"https://bsky.app/profile/{DID}/post/3l6oveex3ii2l",
            ["post @old.example/3l6oveex3ii2l"],
            id="on Bluesky by the DID of its author",
        ),
        pytest.param(ANN, ["post @ann@one.example/109"], id="on Mastodon by its page"),
        pytest.param("https://two.example/@ann/109", [], id="another server has another post of this id"),
        pytest.param("https://example.org/a/b", [], id="the address of no post"),
    ],
)
async def test_a_post_is_found_and_called_a_post(pool: Pool, text: str, found: list[str]) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        await add_accounts(conn, [NewAccount(MASTODON, ANN, "ann@one.example/109")], T0)
        answers = [found_json(one) for one in await search(conn, text, 8)]
    assert [f"{one['kind']} {one['name']}" for one in answers] == found
