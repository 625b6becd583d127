"""Side facts: between which looks they began and ended, whoever looks, in whatever order looks arrive."""

from datetime import datetime

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts import side_facts
from storage.changes.record import Recording, record_many
from storage.live.snapshot import last_event_id
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Flag
from storage.model.core.side_facts import FactSighting, ObservedKind, SideFact
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import batch, enlist, read, roster_of

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


async def told(
    conn: Conn, account_id: AccountId
) -> list[tuple[str, datetime | None, datetime, datetime | None, datetime | None]]:
    return [
        (f.kind, f.last_absent, f.first_seen, f.last_seen, f.first_absent)
        for f in await side_facts.facts_of(conn, account_id)
    ]


async def test_a_fact_begins_between_the_look_without_it_and_the_look_with_it(
    pool: Pool, one: AccountId
) -> None:
    async with transaction(pool) as conn:
        assert await side_facts.observe(conn, "", [look(one, 15, 0, LIMITED)]) == 1
        assert await side_facts.facts_of(conn, one) == [
            SideFact(one, "", Flag.LIMITED, "", minutes(0), minutes(15), None, None)
        ]


async def test_a_fact_of_the_first_look_has_no_beginning(pool: Pool, one: AccountId) -> None:
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "", [look(one, 15, None, LIMITED)])
        assert await told(conn, one) == [("limited", None, minutes(15), None, None)]


async def test_a_fact_ends_between_the_last_look_with_it_and_the_first_without(
    pool: Pool, one: AccountId
) -> None:
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "", [look(one, 15, 0, LIMITED)])
        assert await side_facts.observe(conn, "", [look(one, 60, 45)]) == 1
        assert await told(conn, one) == [("limited", minutes(0), minutes(15), minutes(45), minutes(60))]


async def test_a_fact_was_last_seen_when_first_seen_if_no_other_look_is_known(
    pool: Pool, one: AccountId
) -> None:
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "", [look(one, 15, None, LIMITED)])
        await side_facts.observe(conn, "", [look(one, 60, None)])
        assert await told(conn, one) == [("limited", None, minutes(15), minutes(15), minutes(60))]


async def test_a_look_that_shows_the_same_again_writes_nothing(pool: Pool, one: AccountId) -> None:
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "", [look(one, 15, 0, LIMITED, MOVED)])
        before = await told(conn, one)
        assert await side_facts.observe(conn, "", [look(one, 30, 15, LIMITED, MOVED)]) == 0
        assert await told(conn, one) == before


@pytest.mark.parametrize(
    ("at", "before"),
    [
        pytest.param(60, 45, id="a repeat of the newest look"),
        pytest.param(45, 30, id="one that is earlier than the newest"),
        pytest.param(70, 70, id="one that is not later than the look before it"),
        pytest.param(70, 75, id="one that is earlier than the look before it"),
    ],
)
async def test_a_look_out_of_order_changes_nothing(
    pool: Pool, one: AccountId, at: float, before: float
) -> None:
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "", [look(one, 15, 0, LIMITED)])
        await side_facts.observe(conn, "", [look(one, 60, 45)])
        stood = await told(conn, one)
        assert await side_facts.observe(conn, "", [look(one, at, before, MOVED)]) == 0
        assert await told(conn, one) == stood


async def test_a_fact_that_comes_back_is_another_one(pool: Pool, one: AccountId) -> None:
    async with transaction(pool) as conn:
        looks = [look(one, 30, 15), look(one, 45, 30, LIMITED), look(one, 15, 0, LIMITED)]
        assert await side_facts.observe(conn, "", looks) == 3
        assert await told(conn, one) == [
            ("limited", minutes(30), minutes(45), None, None),
            ("limited", minutes(0), minutes(15), minutes(15), minutes(30)),
        ]


async def test_a_fact_with_another_value_ends_the_one_and_begins_the_other(
    pool: Pool, one: AccountId
) -> None:
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "tr", [look(one, 15, 0, (ObservedKind.SEEN_AS, "withheld TR"))])
        changed = await side_facts.observe(
            conn, "tr", [look(one, 30, 15, (ObservedKind.SEEN_AS, "suspended"))]
        )
        values = {f.value: f.first_absent for f in await side_facts.facts_of(conn, one)}
    assert changed == 2
    assert values == {"withheld TR": minutes(30), "suspended": None}


async def test_what_one_observer_does_not_see_says_nothing_of_what_another_sees(
    pool: Pool, one: AccountId
) -> None:
    blocked = (ObservedKind.BLOCKED_BY_SERVER, "account limited")
    async with transaction(pool) as conn:
        await side_facts.observe(conn, "social.example", [look(one, 15, 0, blocked)])
        await side_facts.observe(conn, "", [look(one, 30, 15, LIMITED)])
        await side_facts.observe(conn, "other.example", [look(one, 45, 30)])
        assert await side_facts.open_facts(conn, MASTODON) == {one: frozenset({LIMITED})}
        assert await side_facts.open_facts(conn, MASTODON, "social.example") == {one: frozenset({blocked})}
        assert await side_facts.open_facts(conn, MASTODON, "other.example") == {}
        assert await side_facts.open_facts(conn, X) == {}


async def test_the_facts_that_last_are_told_of_those_who_are_named_and_of_nobody_else(pool: Pool) -> None:
    async with transaction(pool) as conn:
        first, other = (a.account_id for a in await enlist(conn, MASTODON, ["1", "2"]))
        await side_facts.observe(conn, "", [look(first, 15, 0, LIMITED), look(other, 15, 0, MOVED)])
        assert await side_facts.open_facts(conn, MASTODON, only=[first]) == {first: frozenset({LIMITED})}
        assert await side_facts.open_facts(conn, MASTODON, only=[]) == {}


async def test_a_fact_never_touches_the_changes_and_is_no_live_news(pool: Pool, one: AccountId) -> None:
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
        await side_facts.observe(conn, "", [look(one, 15, 0, LIMITED)])
        assert await conn.fetchval("select count(*) from change") == 0
        assert await last_event_id(conn) == before


async def test_sightings_of_a_request_are_stored_with_it_and_not_with_its_repeat(
    pool: Pool, one: AccountId
) -> None:
    async with transaction(pool) as conn:
        (account,) = await enlist(conn, MASTODON, ["1"])
        roster = await roster_of(conn, [account])
        await read(conn, batch(roster, T0))
        seen = Recording(batch(roster, minutes(15)), (), (), (), (look(one, 15, 0, LIMITED),))
        gone = Recording(batch(roster, minutes(15)), (), (), (), (look(one, 16, 15),))
        assert await record_many(conn, [seen], lambda: minutes(15)) == [True]
        assert await record_many(conn, [gone], lambda: minutes(16)) == [False]
        assert await side_facts.open_facts(conn, MASTODON) == {one: frozenset({LIMITED})}


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
