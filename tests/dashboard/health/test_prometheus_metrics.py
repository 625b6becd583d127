"""Figures for Prometheus say what is on file, and have no sample for what is not known."""

from datetime import datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.x.declaration import X
from dashboard.health.prometheus_metrics import WATCHED_WITHIN
from storage.health.conditions import note_run
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import api_served
from tests.support.seeds.alerts import Played
from tests.support.seeds.changes import enlist
from tests.support.seeds.workers import three_machines

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _samples(text: str) -> Samples:
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


async def _scraped(pool: Pool, dsn: str, now: datetime) -> Samples:
    async with api_served(pool, dsn, now) as api:
        answer = await api.send("GET", "/metrics")
    assert answer.status == 200
    assert answer.media_type == "text/plain"
    return _samples(answer.text)


async def test_a_scrape_tells_what_is_on_file(played: Played, pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        blocked = await conn.fetchval(
            """
            select count(*) from spell s join account a using (account_id)
            where upper_inf(valid) and upper_inf(recorded) and status = 'withheld' and a.watched
            """
        )
        changes = await conn.fetchval(
            """
            select count(*) from standing_change join change_outcome using (change_id)
            where kind = 'block' and outcome = 'confirmed'
            """
        )
        queued = await conn.fetchval("select count(*) from mail where state = 'queued'")
        await note_run(conn, now)
    found = await _scraped(pool, dsn, now)

    accounts = ("targets", "accounts")
    withheld = (("platform", "x"), ("status", "withheld"), accounts)
    assert found["blockline_accounts_watched", withheld] == blocked > 0
    assert found["blockline_changes", (("kind", "block"), ("outcome", "confirmed"), accounts)] == changes > 0
    assert found["blockline_outbox_waiting", ()] == queued > 0
    assert found["blockline_outbox_oldest_age_seconds", ()] >= 0
    assert found["blockline_dead_letters", ()] == 1
    assert found["blockline_accounts_never_read", (("platform", "x"), accounts)] == 1
    assert [labels for _, labels in found if ("targets", "posts") in labels] == []
    assert found["blockline_browsers", ()] == 0
    assert found["blockline_conditions_open", (("kind", "outbox_stuck"),)] == 0
    assert found["blockline_conditions_open", (("kind", "queue_stuck"),)] == 0
    states = {
        dict(labels)["state"]: value
        for (name, labels), value in found.items()
        if name == "blockline_collector_state"
    }
    assert states == {"reads": 1, "pauses": 0, "held": 0, "silent": 0, "never_read": 0}
    assert ("process_resident_memory_bytes", ()) in found


async def test_what_is_not_known_has_no_sample(pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"])
        await note_run(conn, now - WATCHED_WITHIN - timedelta(seconds=1))
    names = {name for name, _ in await _scraped(pool, dsn, now)}

    assert "blockline_accounts_never_read" in names
    assert not names & {
        "blockline_oldest_reading_age_seconds",
        "blockline_readings_last_hour",
        "blockline_collector_answer_age_seconds",
        "blockline_outbox_oldest_age_seconds",
        "blockline_conditions_open",
    }


async def test_machines_and_their_queue_are_counted_by_source(pool: Pool, dsn: str, now: datetime) -> None:
    await three_machines(pool, now)
    found = await _scraped(pool, dsn, now)

    def of(name: str, source: str, state: str) -> float:
        return found[name, (("source", source), ("state", state))]

    assert [of("blockline_workers", "x", state) for state in ("reads", "pauses", "unheard")] == [1, 1, 0]
    assert of("blockline_workers", "bluesky from tr", "unheard") == 1
    queue = [of("blockline_queue_requests", "x", state) for state in ("waiting", "in_hand", "held")]
    assert queue == [12, 0, 1]
    assert found["blockline_queue_oldest_age_seconds", (("source", "x"),)] >= 11
    assert ("blockline_queue_oldest_age_seconds", (("source", "bluesky"),)) not in found


@pytest.mark.usefixtures("played")
async def test_without_the_database_a_scrape_fails(pool: Pool, dsn: str, now: datetime) -> None:
    async with api_served(pool, dsn, now) as api:
        async with transaction(pool) as conn:
            await conn.execute("alter table coverage_row rename to gone")
            await conn.execute("alter table spell rename to spell_gone")
        answer = await api.send("GET", "/metrics")
    assert answer.status == 503
