"""Figures for Prometheus say what is on file, and have no sample for what is not known."""

from datetime import datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.x.declaration import X
from dashboard.health.prometheus_metrics import WATCHED_WITHIN
from storage.health.conditions import note_run
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import api_served
from tests.support.seeds.changes import enlist

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


@pytest.mark.usefixtures("played")
async def test_without_the_database_a_scrape_fails(pool: Pool, dsn: str, now: datetime) -> None:
    async with api_served(pool, dsn, now) as api:
        async with transaction(pool) as conn:
            await conn.execute("alter table coverage_row rename to gone")
            await conn.execute("alter table spell rename to spell_gone")
        answer = await api.send("GET", "/metrics")
    assert answer.status == 503
