"""A platform is not reached from a country for days, and then again: reported once each, as OONI's counts."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.notify.network_alerts import draft, network_notices
from jobs.notify.notifier import next_decision, tick
from storage.countries.measured_networks import record_days
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rule_codec import from_table, to_table
from storage.model.alerts.rules import AlertRule, Match, Mute, RuleId, Severity
from storage.model.core.reachability import MeasuredDay, ReportedUnreachable, reachability_news
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import a_rule, tell_by
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


@pytest.mark.parametrize(
    ("rule", "days", "before", "expected"),
    [
        ("two days in a row are news", measured("good", "bad", "bad"), [], (2, False)),
        ("one is not", measured("good", "bad"), [], None),
        ("today is not over, and does not count", measured("bad", "bad", until=TODAY), [], None),
        ("a day without measurements ends the row", measured("bad", "none", "bad"), [], None),
        ("and so does a day with few", measured("bad", "few", "bad"), [], None),
        ("a row that ended lately is news still", measured("bad", "bad", "none"), [], (2, False)),
        ("and not one that ended long ago", measured("bad", "bad", "none", "none", "none"), [], None),
        ("what was reported is not reported again",
         measured("bad", "bad", "bad"), reported(TODAY - 2 * DAY), None),
        ("a day that was reached is news then", measured("bad", "bad", "good"), reported(TODAY - 2 * DAY),
         (1, True)),
        ("a day with few measurements says neither", measured("bad", "bad", "few"), reported(TODAY - 2 * DAY),
         None),
        ("later counts may say so of the day that was reported",
         measured("bad", "good"), reported(TODAY - DAY),
         (1, True)),
        ("a second row after that is news", measured("bad", "bad", "good", "bad", "bad"),
         reported(TODAY - 4 * DAY, TODAY - 3 * DAY), (2, False)),
        ("a row before that is not", measured("bad", "bad", "good"),
         reported(TODAY - 2 * DAY, TODAY - DAY), None),
    ],
)  # fmt: skip
def test_what_is_reported_of_a_domain(
    rule: str, days: list[MeasuredDay], before: list[ReportedUnreachable], expected: tuple[int, bool] | None
) -> None:
    found = reachability_news(days, before, date.min, TODAY)
    assert (found and (len(found.days), found.is_reached)) == expected, rule


def test_a_row_that_ended_before_the_rule_is_no_news() -> None:
    assert reachability_news(measured("bad", "bad", "none"), [], TODAY - DAY, TODAY) is None


def due(rule: AlertRule = RULE, *, mute: Mute | None = None, enabled: bool = True) -> list[datetime]:
    known = [a_rule(rule, enabled=enabled)]
    days = {"TR": measured("bad", "bad")}
    return [one.at for one in network_notices(days, known, {}, [mute] if mute else [], NOW)]


@pytest.mark.parametrize(
    ("rule", "found", "expected"),
    [
        ("it is reported at once", due(), [NOW]),
        ("a rule that does not ask for networks tells nothing", due(AlertRule((DESK,))), []),
        ("nor does one that is switched off", due(enabled=False), []),
        ("nor one that names nobody", due(replace(RULE, recipients=())), []),
        ("quiet hours keep it back", due(replace(RULE, quiet=QuietHours(time(0), time(6)))),
         [NOW + timedelta(hours=3)]),
        ("what is critical is reported at night",
         due(replace(RULE, quiet=QuietHours(time(0), time(6)), severity=Severity.CRITICAL)), [NOW]),
        ("a rule about another country is not about it",
         due(replace(RULE, match=Match(countries=frozenset({"IN"})))), []),
        ("a rule about another platform is not",
         due(replace(RULE, match=Match(platforms=frozenset({BLUESKY})))), []),
        ("a rule about the platform of the domain is",
         due(replace(RULE, match=Match(platforms=frozenset({X})))), [NOW]),
        ("nothing is sent in a maintenance window", due(mute=Mute(1, None, None, T0, None, "", "")), []),
    ],
)  # fmt: skip
def test_when_networks_are_sent(rule: str, found: list[datetime], expected: list[datetime]) -> None:
    assert found == expected, rule


def test_a_rule_is_not_told_what_another_rule_told() -> None:
    days, known = {"TR": measured("bad", "bad")}, [a_rule(RULE), a_rule(replace(RULE, name="B"), 2)]
    heard = {(RuleId(1), "TR", "x.com"): reported(TODAY - DAY)}
    assert [one.stored.rule_id for one in network_notices(days, known, heard, [], NOW)] == [2]


def test_a_rule_stores_that_it_asks_for_networks() -> None:
    assert from_table(to_table(RULE)) == RULE
    assert to_table(RULE)["networks"] is True


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


def test_an_email_names_the_newest_week_of_a_long_row() -> None:
    (notice,) = network_notices({"TR": measured(*["bad"] * 30)}, [a_rule(RULE)], {}, [], NOW)
    mail = draft(notice, DESK, HEAD)
    assert mail.text_body.count("opened in 5 of 25") == 7
    assert "and 23 days before" in mail.text_body
