"""Operators get one email when the database cannot be used, past the queue, and one when it can be again."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, event, example, given, settings

from jobs.base.clock import SimulatedClock
from jobs.delivery.sender import DeliveryFault, Sender, Undeliverable
from jobs.messages.compose import Letterhead
from jobs.notify.database_outage import DatabaseOutage
from jobs.notify.notifier import decide_alerts, next_due, tick
from storage.alerts import creation
from storage.countries.measured_networks import record_days
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import Mail
from storage.model.alerts.rules import AlertRule, Digest
from storage.model.core.availability import State
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, Unreachable, open_pool, transaction
from tests.jobs.notify.test_network_alerts import DAY, measured
from tests.support.repeats import repeats
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert, decisions, store, tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.servers.mail import InOrder, Refusing, serving

HEAD = Letterhead(operators=("night@example.org", "ops@example.org"))
SUBJECT = "Blockline: The database cannot be reached or takes no writes"


class Watch:
    """The database is looked at once a minute."""

    def __init__(self, pool: Pool, sender: Sender | None) -> None:
        self.pool = pool
        self.is_away = False
        self.clock = SimulatedClock(T0)
        self._outage = DatabaseOutage(pool, self._probe, sender, HEAD, Thresholds(15 * MINUTE), self.clock)

    async def _probe(self) -> None:
        if self.is_away:
            raise Unreachable("Cannot reach the database at db.example:5432: no server listens there.")

    async def look(self, minutes: int, *, is_away: bool) -> None:
        self.is_away = is_away
        for _ in range(minutes):
            await self._outage.look()
            self.clock.set(self.clock() + timedelta(minutes=1))

    async def queued(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("select subject, recipients[1] from mail order by mail_id")
        return [(r["subject"], r["recipients"]) for r in rows]


async def test_each_operator_gets_one_email_past_the_queue_and_the_end_through_it(pool: Pool) -> None:
    inbox = InOrder()
    async with serving(inbox) as sender:
        watch = Watch(pool, sender)
        await watch.look(2, is_away=True)
        assert not inbox.mails(), "it may be over in a moment"
        await watch.look(60, is_away=True)
        mails = inbox.mails()
        assert [(m.subject, m.recipients, m.copies) for m in mails] == [
            (SUBJECT, ("night@example.org",), 1),
            (SUBJECT, ("ops@example.org",), 1),
        ]
        assert "no server listens there" in mails[0].text
        assert "blockline doctor" in mails[0].text
        await watch.look(3, is_away=False)
    over = "Blockline: The database can be used again"
    assert await watch.queued() == [(over, "night@example.org"), (over, "ops@example.org")]


async def test_an_operator_whose_email_was_refused_for_now_gets_it_later(pool: Pool) -> None:
    inbox = Refusing("MAIL", *["451 4.3.0 later"] * 4)
    async with serving(inbox) as sender:
        await Watch(pool, sender).look(8, is_away=True)
    assert sorted(m.recipients for m in inbox.mails()) == [("night@example.org",), ("ops@example.org",)]


PEOPLE = ("desk@example.org", "night@example.org")
RULE = AlertRule(
    PEOPLE, flapping_changes=100, update_after=20 * MINUTE, remind_every=180 * MINUTE, zone="Asia/Kolkata"
)
OUTAGE_HEAD = Letterhead("https://blockline.example.org/")
ACCOUNTS = 2


class Weather(StrEnum):
    """How the mail server does."""

    FINE = "fine"
    AWAY = "away"
    """It cannot be reached."""
    REFUSING = "refusing"
    """It refuses the first recipient for now."""
    LOST_ANSWERS = "lost answers"
    """It accepts, and nobody hears of it."""
    LOST_MAILS = "lost mails"
    """It hangs up after the text, without accepting it."""
    CRASHES = "crashes"
    """It accepts, and what called it breaks."""


@dataclass(slots=True)
class Post:
    """A mail server, and what it accepted, in order."""

    weather: Weather = Weather.FINE
    accepted: list[Mail] = field(default_factory=list[Mail])

    async def send(self, mail: Mail) -> None:
        match self.weather:
            case Weather.FINE:
                self.accepted.append(mail)
            case Weather.REFUSING if mail.recipients[0] == PEOPLE[1]:
                self.accepted.append(mail)
            case Weather.REFUSING:
                raise Undeliverable("450 busy", permanent=False, uncertain=False)
            case Weather.AWAY:
                raise Undeliverable("away", permanent=False, fault=DeliveryFault.SERVER, uncertain=False)
            case Weather.LOST_MAILS:
                raise Undeliverable("no answer", permanent=False)
            case Weather.LOST_ANSWERS:
                self.accepted.append(mail)
                raise Undeliverable("no answer", permanent=False)
            case Weather.CRASHES:
                self.accepted.append(mail)
                raise ZeroDivisionError

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Step:
    """After a while an account changes (None: what it did last is taken back), or the weather does."""

    minutes: int
    account: int
    state: State | None
    weather: Weather | None


WHILE = st.integers(2, 140)
"""Minutes: all steps together end before a mail is given up, which is after 24 hours of attempts."""
STATES = st.sampled_from([AVAILABLE, WITHHELD_IN, WITHHELD_IN, SUSPENDED, None])
CHANGES = st.builds(Step, WHILE, st.integers(1, ACCOUNTS), STATES, st.none())
TURNS = st.builds(Step, WHILE, st.just(0), st.none(), st.sampled_from([*Weather, *[Weather.AWAY] * 3]))


def seen(minutes: int, state: State | None) -> Step:
    return Step(minutes, 1, state, None)


def turns(minutes: int, weather: Weather) -> Step:
    return Step(minutes, 0, None, weather)


def begun(steps: list[Step]) -> list[Step]:
    """Most outages begin before anything happens: that is where mails are merged."""
    return [turns(2, Weather.AWAY), *steps] if len(steps) % 3 else steps


@pytest.mark.slow
@pytest.mark.again
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.one_of(CHANGES, CHANGES, CHANGES, TURNS), min_size=2, max_size=9).map(begun))
@example([turns(2, Weather.AWAY), seen(5, WITHHELD_IN), seen(300, AVAILABLE), seen(300, None)])
@example([turns(2, Weather.AWAY), seen(5, WITHHELD_IN), Step(60, 2, SUSPENDED, None), seen(99, AVAILABLE)])
@example([turns(2, Weather.LOST_ANSWERS), seen(5, WITHHELD_IN), turns(9, Weather.AWAY), seen(9, AVAILABLE)])
@example([turns(2, Weather.REFUSING), seen(5, WITHHELD_IN), seen(99, SUSPENDED), seen(200, AVAILABLE)])
async def test_each_change_is_sent_once_in_order_and_the_latest_state_arrives_last(
    fresh_database: Callable[[], AbstractContextManager[str]], steps: list[Step]
) -> None:
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            post = await play(pool, steps)
            rows = await pool.fetch("select message_id, state from mail")
            merged = {r["message_id"] for r in rows if r["state"] == "merged"}
            event(f"merged: {len(merged) > 0}")
            assert {r["state"] for r in rows} <= {"sent", "merged"}
            assert merged.isdisjoint(mail.message_id for mail in post.accepted)
            for recipient in PEOPLE:
                await check(pool, [mail for mail in post.accepted if mail.recipients == (recipient,)])


async def play(pool: Pool, steps: list[Step]) -> Post:
    await tell_by(pool, RULE)
    post, now = Post(), T0
    states = {account: [AVAILABLE] for account in range(1, ACCOUNTS + 1)}
    for number, step in enumerate(steps):
        until = now + step.minutes * MINUTE
        await run(pool, post, now, until)
        now = until
        if step.weather is not None:
            post.weather = step.weather
        elif step.state is None:
            await take_back(pool, states, step.account, now)
        elif step.state != (old := states[step.account][-1]):
            states[step.account] = [*states[step.account], step.state]
            change = a_change(step.account, step.state, old, at=now - MINUTE, since=now - 2 * MINUTE)
            await store(pool, [an_alert(number, change, now, REPORTERS)])
    post.weather = Weather.FINE if post.weather is not Weather.AWAY else post.weather
    await run(pool, post, now, now + 60 * MINUTE)
    post.weather = Weather.FINE
    await run(pool, post, now + 60 * MINUTE, now + timedelta(days=4))
    return post


async def take_back(pool: Pool, states: dict[int, list[State]], account: int, now: datetime) -> None:
    if len(states[account]) < 2:
        return
    states[account] = states[account][:-1]
    async with transaction(pool) as conn:
        newest = await conn.fetchval(
            """
            select change_id from change join account using (account_id)
            where native_id = $1 and not exists (
                select from alert where alert.change_id = change.change_id and stage = 'withdrawn'
            )
            order by first_seen_new desc limit 1
            """,
            str(account),
        )
        if newest is not None:
            await creation.withdrawn(conn, [newest], now)


async def run(pool: Pool, post: Post, now: datetime, until: datetime) -> None:
    """A notifier that looks whenever something is due."""
    while now < until:
        try:
            await tick(pool, post, now, OUTAGE_HEAD)
        except ZeroDivisionError:
            continue
        due = await next_due(pool, post, now)
        now = until if due is None else max(due, now + MINUTE)


async def check(pool: Pool, arrived: list[Mail]) -> None:
    mails = list({mail.message_id: mail for mail in reversed(arrived)}.values())[::-1]
    facts = await pool.fetch(
        """
        select m.message_id, array_agg((c.account_id, al.alert_id, c.change_id) order by al.alert_id) as told
        from mail m join mail_alert using (mail_id) join alert al using (alert_id)
            join change c using (change_id)
        where m.kind in ('wave', 'digest', 'reply') group by 1
        """
    )
    told = {r["message_id"]: r["told"] for r in facts}
    by_account: dict[int, list[int]] = {}
    before: set[str] = set()
    heard: set[int] = set()
    for mail in mails:
        assert mail.in_reply_to is None or mail.in_reply_to in before, "it answers a mail that never came"
        about = told.get(mail.message_id, [])
        if "earlier email reported this" in mail.text_body:
            assert heard & {change for _, _, change in about}
        for account, alert, _ in about:
            by_account.setdefault(account, []).append(alert)
        before.add(mail.message_id)
        heard |= {change for _, _, change in about}
    expected = await pool.fetch(
        """
        select c.account_id, array_agg(alert_id order by alert_id) as alerts
        from alert join change c using (change_id)
        where exists (select from mail_alert t where t.alert_id = alert.alert_id) group by 1
        """
    )
    assert by_account == {r["account_id"]: r["alerts"] for r in expected}


DESK, LAW = "desk@example.org", "law@example.org"
UNREACHABLE_CHANGES_RULE = AlertRule((DESK,), name="Accounts", not_if_unreachable=True)
UNREACHABLE_CHANGES_HEAD = Letterhead("https://blockline.example.org/")
YESTERDAY = T0.date() - DAY


async def read(pool: Pool, days: list[MeasuredDay], at: datetime) -> None:
    async with transaction(pool) as conn:
        await record_days(conn, "IN", (YESTERDAY - 9 * DAY, YESTERDAY + DAY), days, at)


async def test_a_change_from_before_the_measurements_were_known_is_sent(pool: Pool) -> None:
    await tell_by(pool, UNREACHABLE_CHANGES_RULE)
    await store(pool, [an_alert(1, a_change(1), minutes(1), ORDER)])
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(2))
    await tick(pool, None, minutes(3), UNREACHABLE_CHANGES_HEAD)
    assert await decisions(pool) == [("mailed", True)]


async def test_a_digest_counts_changes_that_were_not_sent_because_the_platform_was_unreachable(
    pool: Pool,
) -> None:
    await tell_by(pool, replace(UNREACHABLE_CHANGES_RULE, digest=Digest.DAILY))
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(1))
    await store(pool, [an_alert(1, a_change(1), minutes(2), ORDER)])
    await decide_alerts(pool, T0 + timedelta(hours=9), UNREACHABLE_CHANGES_HEAD)
    (text,) = [row["text_body"] for row in await pool.fetch("select text_body from mail")]
    why = "from countries from which most measurements did not reach the platform"
    assert f"1 change is not reported here ({why})" in text
