"""What is read from elsewhere, or at one place of a platform, is told apart from everything else."""

import hashlib

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts.handle_history import HandleEntry, handles_of, record_handles
from storage.changes.load_watched import load_watched
from storage.health import collector_state
from storage.health.collector_state import CollectorState
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import BatchOutcome
from storage.postgres.pool import Pool, transaction
from storage.readings import coverage, rosters, stream_cursors
from storage.readings.coverage_report import requests_since
from storage.readings.rehearsal_readback import reading_times
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import LATENCY, batch, enlist, read, roster_of

DIDS = ["did:plc:a", "did:plc:b"]


# rosters -------------------------------------------------------------------------------------------------


def test_a_roster_without_vantage_and_place_keeps_the_identity_that_it_had_before_there_were_any() -> None:
    ids, canary_ids = [AccountId(1), AccountId(2)], [AccountId(9)]
    was = hashlib.sha256(b"1,2|9|base").digest()
    assert rosters.content_hash(ids, canary_ids, base=True) == was
    others = {
        rosters.content_hash(ids, canary_ids, base=True, vantage="tr"),
        rosters.content_hash(ids, canary_ids, base=True, place="tr"),
        rosters.content_hash(ids, canary_ids, base=True, vantage="tr", place="tr"),
        was,
    }
    assert len(others) == 4


async def test_the_same_accounts_read_from_elsewhere_are_another_roster(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, MASTODON, ["1", "2"])
        here = await roster_of(conn, accounts, place="a.example")
        there = await roster_of(conn, accounts, vantage="tr", place="a.example")
        assert await roster_of(conn, accounts, place="a.example") == here
        assert here.roster_id != there.roster_id
        assert await rosters.base_rosters(conn, MASTODON) == [here]
        assert await rosters.base_rosters(conn, MASTODON, "tr") == [there]
        assert (there.vantage, there.place) == ("tr", "a.example")


# readings ------------------------------------------------------------------------------------------------


async def test_a_reading_from_elsewhere_is_no_reading_of_our_own(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, DIDS)
        here, there = await roster_of(conn, accounts), await roster_of(conn, accounts, vantage="tr")
        await read(conn, batch(here, minutes(0)))
        await read(conn, batch(there, minutes(60)))
        one = accounts[0].account_id
        own = await coverage.last_readings(conn, BLUESKY)
        elsewhere = await coverage.last_readings(conn, BLUESKY, "tr")
        assert (own[one].at, own[one].asked_at) == (minutes(0), minutes(0) - LATENCY)
        assert elsewhere[one].at == minutes(60)
        assert await coverage.newest_observation(conn, BLUESKY) == minutes(0)
        assert await coverage.newest_observation(conn, BLUESKY, "tr") == minutes(60)
        assert set(await coverage.last_attempts(conn, BLUESKY)) == {here.roster_id}
        assert set(await coverage.last_attempts(conn, BLUESKY, "tr")) == {there.roster_id}
        assert await reading_times(conn) == {i: [minutes(0)] for i in DIDS}
        requests = await requests_since(conn, minutes(-1), minutes(90))
        assert [r.roster_id for r in requests] == [here.roster_id]


async def test_a_country_missing_from_the_last_answer_was_last_reported_by_an_earlier_one(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, DIDS)
        roster, other = await roster_of(conn, accounts), await roster_of(conn, accounts[:1], base=False)
        there = await roster_of(conn, accounts, vantage="tr")
        await read(conn, batch(roster, minutes(0), silent=("IN",)))
        await read(conn, batch(roster, minutes(15), silent=("IN",)))
        await read(conn, batch(other, minutes(20), silent=("IN", "TR")))
        await read(conn, batch(there, minutes(25)))
        await read(conn, batch(roster, minutes(30), silent=("IN", "TR"), answered=[True, False]))
        await read(conn, batch(roster, minutes(45), BatchOutcome.MISSED))
        first, second = await load_watched(conn, BLUESKY)
    assert first.known.last_read_at == minutes(30)
    assert first.known.heard == {"IN": None, "TR": minutes(15) - LATENCY}
    assert second.known.last_read_at == minutes(15)
    assert second.known.heard == {"IN": None}


async def test_usually_the_last_answer_reported_every_country(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, DIDS)
        roster = await roster_of(conn, accounts)
        await read(conn, batch(roster, minutes(0), silent=("AU",)))
        await read(conn, batch(roster, minutes(15)))
        watched = await load_watched(conn, BLUESKY)
        assert [w.known.heard for w in watched] == [{}, {}]
        assert await conn.fetch("select silent from coverage order by observed_at") == [(["AU"],), (None,)]


# collectors ----------------------------------------------------------------------------------------------


def stopped(place: str = "", vantage: str = "") -> CollectorState:
    return CollectorState(MASTODON, False, "auth", "", T0, None, place, vantage)


async def test_a_collector_has_a_state_per_place_and_vantage(pool: Pool) -> None:
    states = [stopped("a.example"), stopped("b.example"), stopped("a.example", "tr"), stopped()]
    async with transaction(pool) as conn:
        for state in states:
            await collector_state.save_state(conn, state)
        mended = CollectorState(MASTODON, True, None, "", minutes(5), None, "a.example")
        await collector_state.save_state(conn, mended)
        assert await collector_state.load_states(conn, MASTODON) == {
            "a.example": mended,
            "b.example": states[1],
            "": states[3],
        }
        assert await collector_state.load_states(conn, MASTODON, "tr") == {"a.example": states[2]}
        assert await collector_state.load_states(conn, X) == {}


# handles and streams -------------------------------------------------------------------------------------


async def test_the_handles_of_a_public_record_are_kept_once_each_with_its_dates(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one, _) = await enlist(conn, BLUESKY, DIDS)
        first = [("old.example", minutes(0)), ("new.example", minutes(10))]
        assert await record_handles(conn, one.account_id, first, "plc", minutes(60)) == 2
        third = ("third.example", minutes(20))
        assert await record_handles(conn, one.account_id, [*first, third], "plc", minutes(90)) == 1
        assert await handles_of(conn, one.account_id) == [
            HandleEntry("third.example", minutes(20), "plc", minutes(90)),
            HandleEntry("new.example", minutes(10), "plc", minutes(60)),
            HandleEntry("old.example", minutes(0), "plc", minutes(60)),
        ]


async def test_a_stream_continues_from_its_position_and_never_from_further_back(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await stream_cursors.position(conn, BLUESKY) is None
        await stream_cursors.save_position(conn, BLUESKY, "200", minutes(2))
        await stream_cursors.save_position(conn, BLUESKY, "100", minutes(1))
        assert await stream_cursors.position(conn, BLUESKY) == stream_cursors.StreamCursor("200", minutes(2))
        await stream_cursors.save_position(conn, BLUESKY, "300", minutes(3))
        assert await stream_cursors.position(conn, BLUESKY) == stream_cursors.StreamCursor("300", minutes(3))
