"""A platform is not reached from a country for days, and then again: reported once each, as OONI's counts."""

from datetime import date, datetime, timedelta

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import next_decision, tick
from storage.countries.measured_networks import record_days
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.reachability import MeasuredDay, ReportedUnreachable
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import T0
from tests.support.servers.mail import InOrder, serving

DESK = "desk@example.org"
RULE = AlertRule((DESK,), name="Networks", match=Match(kinds=frozenset()), networks=True)
HEAD = Letterhead("https://blockline.example.org/")
DAY = timedelta(days=1)
NOW = T0 + timedelta(days=10, hours=3)
TODAY = NOW.date()


def measured(*outcomes: str, until: date = TODAY - DAY, domain: str = "x.com") -> list[MeasuredDay]:
    """Days in a row up to `until`: "bad", "good", "few" or "none"."""
    counts = {"bad": (20, 5), "good": (2, 20), "few": (5, 1)}
    first = until - (len(outcomes) - 1) * DAY
    return [
        MeasuredDay(
            domain, first + n * DAY, confirmed=0, anomaly=counts[one][0], failure=3, ok=counts[one][1]
        )
        for n, one in enumerate(outcomes)
        if one in counts
    ]


def reported(day: date, reached: date | None = None) -> list[ReportedUnreachable]:
    return [ReportedUnreachable(day, reached)]


async def read(pool: Pool, days: list[MeasuredDay], at: datetime) -> None:
    first, last = min(one.day for one in days), max(one.day for one in days)
    async with transaction(pool) as conn:
        await record_days(conn, "TR", (first, last + DAY), days, at)


async def test_an_outage_and_its_end_are_sent_once_each(pool: Pool) -> None:
    await tell_by(pool, RULE)
    domains = [*measured("bad", "bad"), *measured("bad", "bad", domain="twitter.com")]
    await read(pool, [*domains, *measured("good", "good", domain="bsky.app")], NOW)
    inbox = InOrder()
    async with serving(inbox) as sender:
        assert await next_decision(pool, NOW) == NOW
        for hours in (0, 1, 24):
            await tick(pool, sender, NOW + timedelta(hours=hours), HEAD)
        (first,) = inbox.mails()
        assert first.subject == (
            "Turkey (TR): twitter.com mostly unreachable for 2 days; x.com mostly unreachable for 2 days"
        )
        said = "10 Feb 2021: opened in 5 of 25 measurements; 20 anomalies, 0 confirmed blocks, 3 failed"
        assert said in first.text
        assert "nothing about any account" in first.text
        assert "https://blockline.example.org/countries/TR/network" in first.text
        await read(pool, measured("good", until=TODAY), NOW + DAY)
        for hours in (24, 25, 48):
            await tick(pool, sender, NOW + timedelta(hours=hours), HEAD)
        _, second = inbox.mails()
    assert second.subject == "Turkey (TR): x.com reached again in most measurements"
    assert "11 Feb 2021: opened in 20 of 22 measurements" in second.text
