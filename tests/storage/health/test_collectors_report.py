"""How the collectors are, as the dashboard tells it: nothing is called well that was not heard of."""

from datetime import timedelta

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts import canaries, side_facts
from storage.accounts.accounts import stop_watching
from storage.health import collector_state
from storage.health.collector_state import CollectorState
from storage.health.collectors_report import SilentCountry, collector_reports, disagreements, silent_countries
from storage.model.core.accounts import Account, Platform
from storage.model.core.availability import Flag, Status
from storage.model.core.coverage import BatchOutcome, Roster
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.postgres.pool import Conn, Pool, transaction
from storage.readings import rosters
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.seeds.changes import LATENCY, batch, enlist, read, roster_of

NAMED = [("900", "stable", Status.AVAILABLE), ("901", "gone", Status.SUSPENDED)]
LATER = minutes(600)
WEEK = timedelta(days=7)


async def guarded(conn: Conn, platform: Platform = X) -> tuple[list[Account], Roster]:
    """Two watched accounts in a roster with two control accounts."""
    await canaries.set_canaries(conn, platform, NAMED, T0)
    accounts = await enlist(conn, platform, ["1", "2"])
    return accounts, await roster_of(
        conn, accounts, [c.account.account_id for c in await canaries.canaries(conn, platform)]
    )


async def test_where_nothing_is_read_there_is_nothing_to_tell(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, X, NAMED, T0)
        assert await collector_reports(conn, LATER) == []


async def test_a_collector_that_has_read_nothing_yet_has_no_trouble_and_no_answer(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await guarded(conn)
        (one,) = await collector_reports(conn, LATER)
    assert (one.healthy, one.since, one.last_answered_at, one.last_asked_at) == (True, None, None, None)
    assert (one.stable, one.suspended, one.doubted, one.held_since) == (1, 1, (), None)


async def test_a_collector_tells_its_last_answer_and_when_it_last_asked(pool: Pool) -> None:
    async with transaction(pool) as conn:
        _, roster = await guarded(conn)
        await read(conn, batch(roster, minutes(0)))
        await read(conn, batch(roster, minutes(15), BatchOutcome.MISSED))
        (one,) = await collector_reports(conn, LATER)
        (then,) = await collector_reports(conn, minutes(1))
    assert (one.last_answered_at, one.last_asked_at) == (minutes(0), minutes(15) - LATENCY)
    assert then.last_asked_at == minutes(0) - LATENCY


async def test_answers_are_held_since_the_first_that_was_not_believed_after_the_last_that_was(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        accounts, roster = await guarded(conn)
        other = await roster_of(conn, accounts, roster.canary_ids, base=False)
        await read(conn, batch(roster, minutes(0), BatchOutcome.HELD))
        await read(conn, batch(roster, minutes(15)))
        await read(conn, batch(roster, minutes(30), BatchOutcome.HELD))
        await read(conn, batch(other, minutes(31), BatchOutcome.HELD))
        (held,) = await collector_reports(conn, LATER)
        await canaries.doubt(conn, roster.canary_ids[0], minutes(32))
        (doubted,) = await collector_reports(conn, LATER)
        await read(conn, batch(other, minutes(45)))
        (believed,) = await collector_reports(conn, LATER)
    assert (held.held_since, held.doubted, held.last_answered_at) == (minutes(30), (), minutes(15))
    assert (doubted.held_since, doubted.doubted) == (minutes(30), ("stable",))
    assert (believed.held_since, believed.last_answered_at) == (None, minutes(45))


async def test_what_was_asked_last_week_counts_only_for_the_rosters_of_the_sweep(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts, roster = await guarded(conn)
        other = await roster_of(conn, accounts[:1], roster.canary_ids, base=False)
        await read(conn, batch(roster, minutes(0)))
        await read(conn, batch(other, minutes(10)))
        (before,) = await collector_reports(conn, minutes(10) + WEEK - MINUTE)
        (after,) = await collector_reports(conn, minutes(10) + WEEK)
        await read(conn, batch(other, minutes(10) + WEEK))
        (again,) = await collector_reports(conn, minutes(10) + WEEK)
    assert before.last_answered_at == minutes(10)
    assert after.last_answered_at == minutes(0)
    assert again.last_answered_at == minutes(10) + WEEK


async def test_a_roster_that_made_way_still_tells_when_the_last_answer_came(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts, roster = await guarded(conn)
        await read(conn, batch(roster, minutes(0)))
        await rosters.retire(conn, [roster.roster_id], minutes(1))
        await roster_of(conn, accounts[:1], roster.canary_ids)
        (one,) = await collector_reports(conn, minutes(2))
        (later,) = await collector_reports(conn, minutes(2) + WEEK)
    assert (one.last_answered_at, one.last_asked_at) == (minutes(0), minutes(0) - LATENCY)
    assert (later.last_answered_at, later.last_asked_at) == (None, None)


async def test_an_answer_that_is_held_before_any_was_believed_counts_from_the_first(pool: Pool) -> None:
    async with transaction(pool) as conn:
        _, roster = await guarded(conn)
        await read(conn, batch(roster, minutes(0), BatchOutcome.HELD))
        await read(conn, batch(roster, minutes(15), BatchOutcome.HELD))
        (one,) = await collector_reports(conn, LATER)
    assert (one.held_since, one.last_answered_at) == (minutes(0), None)


async def test_an_import_is_no_answer_of_a_collector(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts, _ = await guarded(conn)
        record = await roster_of(conn, accounts, base=False)
        await read(conn, batch(record, minutes(5)))
        (one,) = await collector_reports(conn, LATER)
    assert (one.last_answered_at, one.last_asked_at) == (None, None)


async def test_each_place_and_vantage_has_its_own_trouble_and_its_own_control_accounts(pool: Pool) -> None:
    named = [("https://a.example/users/x#1", "x@a.example", Status.AVAILABLE)]
    state = CollectorState(MASTODON, False, "network", "no answer", minutes(9), minutes(20), "b.example")
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, MASTODON, named, T0, lambda _: "a.example")
        accounts = await enlist(conn, MASTODON, ["1", "2"])
        here = await roster_of(conn, accounts[:1], place="a.example")
        await roster_of(conn, accounts[1:], place="b.example")
        there = await roster_of(conn, accounts[:1], place="a.example", vantage="tr")
        await read(conn, batch(here, minutes(1)))
        await read(conn, batch(there, minutes(2)))
        await collector_state.save_state(conn, state)
        found = await collector_reports(conn, LATER)
    assert [(d.vantage, d.place, d.healthy, d.stable, d.last_answered_at) for d in found] == [
        ("", "a.example", True, 1, minutes(1)),
        ("", "b.example", False, 0, None),
        ("tr", "a.example", True, 1, minutes(2)),
    ]
    assert (found[1].reason, found[1].detail, found[1].since, found[1].retry_at) == (
        "network",
        "no answer",
        minutes(9),
        minutes(20),
    )


async def test_a_server_that_nobody_is_read_at_any_more_is_not_told_of(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await collector_state.save_state(
            conn, CollectorState(MASTODON, False, "network", "", T0, None, "old")
        )
        await collector_state.save_state(conn, CollectorState(X, False, "auth", "", T0, None))
        found = await collector_reports(conn, LATER)
    assert [(d.platform, d.place, d.healthy) for d in found] == [(X, "", False)]


async def test_a_country_is_silent_when_the_newest_answer_of_a_roster_left_it_out(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, ["1", "2"])
        first, second = await roster_of(conn, accounts[:1]), await roster_of(conn, accounts[1:])
        there = await roster_of(conn, accounts, vantage="tr")
        await read(conn, batch(first, minutes(0), silent=("IN",)))
        await read(conn, batch(second, minutes(1), silent=("IN", "AU")))
        assert await silent_countries(conn) == [
            SilentCountry(BLUESKY, "AU", minutes(0)),
            SilentCountry(BLUESKY, "IN", None),
        ]
        await read(conn, batch(second, minutes(16), BatchOutcome.MISSED))
        await read(conn, batch(there, minutes(17), silent=("TR",)))
        assert len(await silent_countries(conn)) == 2
        await read(conn, batch(first, minutes(30)))
        await read(conn, batch(second, minutes(31)))
        assert await silent_countries(conn) == []


async def test_only_what_still_looks_otherwise_from_elsewhere_is_a_disagreement(pool: Pool) -> None:
    def look(account: Account, at: float, *seen: tuple[Flag | ObservedKind, str]) -> FactSighting:
        return FactSighting(account.account_id, frozenset(seen), None, minutes(at))

    async with transaction(pool) as conn:
        one, two, three = await enlist(conn, X, ["1", "2", "3"])
        otherwise = (ObservedKind.SEEN_AS, "withheld TR")
        await side_facts.observe(conn, "tr", [look(a, 5, otherwise) for a in (one, two, three)])
        await side_facts.observe(conn, "tr", [look(two, 20)])
        await side_facts.observe(conn, "", [look(one, 5, (Flag.LIMITED, ""))])
        await stop_watching(conn, X, "h3", minutes(30))
        (found,) = await disagreements(conn)
    assert found.account == one
    assert (found.fact.observer, found.fact.value, found.fact.first_seen) == ("tr", "withheld TR", minutes(5))
