"""What is read from elsewhere, or at one place of a platform, is told apart from everything else."""

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from storage.postgres.pool import Pool, transaction
from storage.readings import coverage, rosters, stream_cursors
from storage.readings.coverage_report import requests_since
from storage.readings.rehearsal_readback import reading_times
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import LATENCY, batch, enlist, read, roster_of

DIDS = ["did:plc:a", "did:plc:b"]


# rosters -------------------------------------------------------------------------------------------------


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


# collectors ----------------------------------------------------------------------------------------------


# handles and streams -------------------------------------------------------------------------------------


async def test_a_stream_continues_from_its_position_and_never_from_further_back(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await stream_cursors.position(conn, BLUESKY) is None
        await stream_cursors.save_position(conn, BLUESKY, "200", minutes(2))
        await stream_cursors.save_position(conn, BLUESKY, "100", minutes(1))
        assert await stream_cursors.position(conn, BLUESKY) == stream_cursors.StreamCursor("200", minutes(2))
        await stream_cursors.save_position(conn, BLUESKY, "300", minutes(3))
        assert await stream_cursors.position(conn, BLUESKY) == stream_cursors.StreamCursor("300", minutes(3))
