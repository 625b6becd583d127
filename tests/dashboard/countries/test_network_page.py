"""What the page of a country says of its networks, and that it never says more than OONI published."""

from dataclasses import replace
from datetime import timedelta

from collectors.x.declaration import X
from storage.countries.measured_networks import record_days, record_failure
from storage.model.core.coverage import BatchOutcome
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.samples.readings import T0, WITHHELD_IN
from tests.support.seeds.changes import batch, become, enlist, read, roster_of
from tests.support.servers.dashboard import SETTINGS, page_of

DAY = timedelta(days=1)
TODAY = T0.date()
ASKED = TODAY - 30 * DAY, TODAY + DAY
HOUR = timedelta(hours=1)
NOW = T0 + 2 * HOUR


def x(ago: int, anomaly: int, ok: int, confirmed: int = 0, failure: int = 0) -> MeasuredDay:
    return MeasuredDay("x.com", TODAY - ago * DAY, confirmed, anomaly, failure, ok)


async def page(pool: Pool, path: str = "/countries/TR/network") -> str:
    async with transaction(pool) as conn:
        words = " ".join(said(await page_of(conn, path, NOW, SETTINGS, "light")).split())
        return words.replace(" :", ":")


async def test_without_any_answer_nothing_is_known(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await record_failure(conn, "TR", ASKED, "HTTP 502", NOW - HOUR)
    assert "Not known: OONI was asked 1 h ago and gave no answer (HTTP 502)." in await page(pool)


async def test_a_failed_read_is_told_beside_what_was_read_before(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await record_days(conn, "TR", ASKED, [x(1, 5, 5)], NOW - 9 * HOUR)
        await record_failure(conn, "TR", ASKED, "HTTP 502", NOW - HOUR)
    assert "Last read 9 h ago; the try 1 h ago failed (HTTP 502)." in await page(pool)


async def test_the_newest_day_stands_above_the_accounts_of_the_country(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, ["1"])
        await become(conn, await roster_of(conn, accounts), accounts[0], None, WITHHELD_IN, T0 - DAY)
    assert "Networks in" not in await page(pool, "/countries/IN")
    async with transaction(pool) as conn:
        await record_days(conn, "IN", ASKED, [x(1, 5, 5)], NOW - HOUR)
    shown = await page(pool, "/countries/IN")
    assert shown.index("x.com: opened in 5 of 10") < shown.index("Account status")
    assert "Read 1 h ago." in shown


async def test_requests_of_a_day_from_vantage_points_of_the_country_are_counted(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, ["1"])
        for vantage in ("tr", "tr-2", "try", "de", ""):
            roster = await roster_of(conn, accounts, vantage=vantage)
            lost = batch(roster, NOW - HOUR, BatchOutcome.MISSED)
            refused = batch(roster, NOW - 2 * HOUR, BatchOutcome.MISSED)
            await read(conn, batch(roster, NOW - DAY))
            await read(conn, batch(roster, NOW - 3 * HOUR))
            await read(conn, replace(refused, missed_reason="rate_limited"))
            await read(conn, lost)
        away = await roster_of(conn, accounts, vantage="tr-3")
        await read(conn, batch(away, NOW, BatchOutcome.MISSED))
    shown = await page(pool)
    for name in ("tr", "tr-2"):
        counted = f"X from {name}: answered 1 of 3 requests; 1 got no connection or no answer in time."
        assert f"{counted} The last answer came 3 h ago." in shown
    assert "X from tr-3: answered 0 of 1 request; 1 got no connection" in shown
    assert "from try" not in shown
    assert "from de" not in shown
    assert "vantage" not in await page(pool, "/countries/FR/network")
