"""The health page and the sign beside the headline: a detector is called well only when it was heard."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.mastodon.declaration import MASTODON
from dashboard.health.collectors import collector_health, since
from dashboard.health.facts import HealthFacts
from dashboard.health.page import ROWS, collector_status, controls, health_page
from storage.accounts.side_facts import observe
from storage.health.collectors_report import CollectorReport
from storage.health.condition_facts import MailFacts
from storage.health.database_report import Database, Growth
from storage.health.maintenance_tasks_report import MaintenanceTasks, OutboxReport
from storage.health.workers_report import WorkersReport
from storage.model.core.accounts import AccountId
from storage.model.core.people import Actor, Role
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.postgres.audit_chain import AuditChainState
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.samples.readings import MINUTE, T0, WORKING
from tests.support.seeds.bluesky_statuses import seven_things
from tests.support.seeds.changes import HOUR
from tests.support.servers.dashboard import SETTINGS, only_drawing, page_of

GAP = timedelta(minutes=75)
ADMIN = Actor("Ada", Role.ADMIN)
NOTHING = HealthFacts(
    at=T0,
    is_synthetic=False,
    sweep_every=timedelta(minutes=30),
    conditions=(),
    detectors=(),
    silent=(),
    disagreements=(),
    rates=(),
    lateness=(),
    late=(),
    read_for=(),
    paces=(),
    daily_costs=(),
    controls=(),
    machines=WorkersReport((), (), ()),
    budgets=(),
    database=Database("18.0", T0, 9_000_000, 3, 100, ()),
    growth=Growth(0, 0, 0),
    backup=None,
    maintenance=MaintenanceTasks(
        0, None, None, 0, None, None, 0, (), 0, None, None, None, AuditChainState(0, 0, None, 0, None)
    ),
    outbox=OutboxReport(0, 0, 0, None, None, 0, 0, None),
    undelivered=MailFacts(),
    mails=(),
)


WELL = replace(WORKING, last_answered_at=T0 - MINUTE, last_asked_at=T0 - MINUTE)
STOPPED = replace(
    WELL, healthy=False, reason="credits", detail="no credits", since=T0 - HOUR, retry_at=T0 + MINUTE
)
HELD = replace(WELL, held_since=T0 - 5 * MINUTE, doubted=("steady",))
TOLD_HELD = replace(WELL, healthy=False, reason="held", since=T0 - 3 * MINUTE)
OLD = replace(WELL, last_answered_at=T0 - 2 * HOUR)
ASKED = replace(WELL, last_answered_at=None)
NEW = replace(WELL, last_answered_at=None, last_asked_at=None)


@pytest.mark.parametrize(
    ("detector", "found", "began", "first", "more"),
    [
        pytest.param(WELL, "works", None, "OK", [], id="it reads"),
        pytest.param(
            STOPPED,
            "stopped",
            T0 - HOUR,
            "Failing",
            ["credits used up", "“no credits”", "next attempt 1 Feb 2021, 00:01 UTC"],
            id="a trouble is on record",
        ),
        pytest.param(
            HELD,
            "held",
            T0 - 5 * MINUTE,
            "Quarantined",
            ["its control accounts look wrong, so no answer is believed"],
            id="one answer that is not believed is enough",
        ),
        pytest.param(
            TOLD_HELD,
            "held",
            T0 - 3 * MINUTE,
            "Quarantined",
            ["its control accounts look wrong, so no answer is believed"],
            id="held as it is on record",
        ),
        pytest.param(
            OLD,
            "silent",
            T0 - 2 * HOUR,
            "Silent",
            ["no answer and no error is recorded; check that the command “blockline run” is running"],
            id="no trouble and no answer is not well",
        ),
        pytest.param(ASKED, "silent", None, "Silent", ["no answer yet to any request"], id="never answered"),
        pytest.param(
            NEW,
            "never",
            None,
            "Waiting",
            ["no request yet; the command “blockline run” makes the first one"],
            id="never asked",
        ),
    ],
)
def test_a_detector_stands_as_it_was_last_heard(
    detector: CollectorReport, found: str, began: datetime | None, first: str, more: list[str]
) -> None:
    now = collector_health(detector, T0, GAP)
    assert (now, since(detector, now)) == (found, began)
    assert collector_status(detector, now) == (first, more)


@pytest.mark.parametrize(
    ("detector", "told"),
    [
        pytest.param(WELL, "OK (2 stable, 1 suspended)", id="as they should"),
        pytest.param(replace(WELL, suspended=0), "OK (2 stable)", id="stable ones only"),
        pytest.param(
            HELD,
            "quarantined since 31 Jan 2021, 23:55 UTC, because @steady looked wrong (2 stable, 1 suspended)",
            id="which one looked wrong",
        ),
        pytest.param(
            replace(WELL, doubted=("steady",)),
            "@steady looks wrong (2 stable, 1 suspended)",
            id="one is in doubt while answers are believed",
        ),
        pytest.param(ASKED, "not read yet (2 stable, 1 suspended)", id="no answer shows them"),
        pytest.param(
            OLD, "not read since 31 Jan 2021, 22:00 UTC (2 stable, 1 suspended)", id="no answer of late"
        ),
        pytest.param(
            replace(WELL, stable=0, suspended=0),
            "none, so a mass block cannot be distinguished from an outage",
            id="none at all",
        ),
    ],
)
def test_control_accounts_are_told_with_their_number(detector: CollectorReport, told: str) -> None:
    assert controls(detector, collector_health(detector, T0, GAP)) == told


def test_of_very_many_servers_only_those_with_a_trouble_have_a_row() -> None:
    hosts = [replace(WELL, platform=MASTODON, place=f"{n:03}.example") for n in range(ROWS + 5)]
    hosts[7] = replace(hosts[7], healthy=False, reason="upstream", since=T0 - HOUR)
    page = said(health_page(replace(NOTHING, detectors=[WELL, *hosts]), only_drawing(T0), ADMIN, GAP, []))
    assert "Mastodon at 007.example" in page
    assert "Mastodon at 008.example" not in page
    assert f"{ROWS + 4} more servers OK" in page


def test_a_person_is_told_what_to_do_once_for_each_reason_and_not_when_waiting_helps() -> None:
    hosts = [replace(STOPPED, platform=MASTODON, place=f"{n}.example", reason="upstream") for n in range(3)]
    facts = replace(NOTHING, detectors=[STOPPED, replace(STOPPED, vantage="tr"), *hosts])
    page = said(health_page(facts, only_drawing(T0), ADMIN, GAP, []))
    assert page.count("Buy credits in the developer console") == 1
    assert "Nothing at first" not in page


async def test_countries_that_are_not_heard_and_other_vantages_are_shown(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        seen = await seven_things(conn, now)
        await conn.execute(
            "update coverage_row set lacked.silent = '{AU}' where observed_at > $1", now - HOUR
        )
        sighting = FactSighting(
            AccountId(seen.accounts["quiet"]),
            frozenset({(ObservedKind.SEEN_AS, "withheld TR")}),
            now - 2 * HOUR,
            now - HOUR,
        )
        await observe(conn, "tr", [sighting])
        page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
        account = said(await page_of(conn, f"/account/{seen.accounts['quiet']}", now, SETTINGS, "light"))

    assert "AU Bluesky 1 Feb 2021, 11:00 UTC" in page
    assert "@quiet.example tr Restricted in TR (Bluesky app)" in page
    assert "The last reading does not mention AU; it was last mentioned 1 Feb 2021, 11:00 UTC." in account
    here = account.index("From here Available last read 1 Feb 2021, 12:00 UTC")
    there = account.index("From tr Restricted in TR (Bluesky app) first seen 1 Feb 2021")
    assert here < there
    assert "Available. This status began on or before 1 Feb 2021, 06:00 UTC." in account
