"""A change of a platform that its country does not reach is recorded and shown, and not sent by its rule."""

from dataclasses import replace
from datetime import datetime, timedelta

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts, tick
from storage.countries.measured_networks import record_days
from storage.model.alerts.rules import AlertRule, Digest
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, transaction
from tests.jobs.notify.test_network_alerts import DAY, measured
from tests.support.clients.page_text import said
from tests.support.samples.alerts import ORDER, a_change, an_alert, decisions, store, tell_by
from tests.support.samples.readings import T0, minutes
from tests.support.servers.dashboard import SETTINGS, page_of

DESK, LAW = "desk@example.org", "law@example.org"
RULE = AlertRule((DESK,), name="Accounts", not_if_unreachable=True)
HEAD = Letterhead("https://blockline.example.org/")
YESTERDAY = T0.date() - DAY


async def read(pool: Pool, days: list[MeasuredDay], at: datetime) -> None:
    async with transaction(pool) as conn:
        await record_days(conn, "IN", (YESTERDAY - 9 * DAY, YESTERDAY + DAY), days, at)


async def shown(pool: Pool, path: str, now: datetime) -> str:
    async with transaction(pool) as conn:
        return said(await page_of(conn, path, now, SETTINGS, "light"))


async def test_a_change_from_before_the_measurements_were_known_is_sent(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [an_alert(1, a_change(1), minutes(1), ORDER)])
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(2))
    await tick(pool, None, minutes(3), HEAD)
    assert await decisions(pool) == [("mailed", True)]


async def test_a_digest_counts_changes_that_were_not_sent_because_the_platform_was_unreachable(
    pool: Pool,
) -> None:
    await tell_by(pool, replace(RULE, digest=Digest.DAILY))
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(1))
    await store(pool, [an_alert(1, a_change(1), minutes(2), ORDER)])
    await decide_alerts(pool, T0 + timedelta(hours=9), HEAD)
    (text,) = [row["text_body"] for row in await pool.fetch("select text_body from mail")]
    why = "from countries from which most measurements did not reach the platform"
    assert f"1 change is not reported here ({why})" in text
