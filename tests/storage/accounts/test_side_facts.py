"""Side facts: between which looks they began and ended, whoever looks, in whatever order looks arrive."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from storage.accounts import side_facts
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Flag
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import enlist

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
