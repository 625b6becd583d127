"""Digests and round-ups on a real database: each is told once, when its time has come, to who wants it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.messages.compose import Letterhead
from jobs.notify.group_explanation import explain_incident
from jobs.notify.notifier import decide_alerts, next_due, tick
from storage.alerts import mail_queue, rules
from storage.alerts.incidents import IncidentFilter, incident_lines
from storage.alerts.rules import load_rules, save_rule
from storage.model.alerts.alerts import AlertRow, Cohort, Mail
from storage.model.alerts.group_explanation import (
    GroupExplanation,
    decided_words,
    match_outcome_words,
    would_notify_words,
)
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.core.availability import State
from storage.postgres.pool import Pool, Refused, open_pool, transaction
from tests.support.clients.api import api_served
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert, blocked, store, tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, T0, WITHHELD_IN, minutes
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import SETTINGS, page_of

DESK, NIGHT = "desk@example.org", "night@example.org"
HEAD = Letterhead("https://blockline.example.org/")
DAILY = AlertRule((DESK, NIGHT), "Desk", digest=Digest.DAILY)
AT_ONCE = replace(DAILY, digest=Digest.NONE)
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


async def with_rule(pool: Pool, rule: AlertRule, at: datetime = T0, *, enabled: bool = True) -> None:
    async with transaction(pool) as conn:
        await save_rule(conn, rule, "test", at, enabled=enabled)


async def mails(pool: Pool) -> list[tuple[str, datetime, str]]:
    """Recipient, time and subject of each digest and round-up, oldest first."""
    rows = await told(pool)
    return [(r["recipients"][0], r["created_at"], r["subject"]) for r in rows]


async def told(pool: Pool) -> Sequence[Any]:
    async with transaction(pool) as conn:
        return await conn.fetch(
            "select * from mail where kind = 'digest' order by created_at, recipients, mail_id"
        )


async def decided(pool: Pool) -> list[tuple[str, int]]:
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            select decision, count(*)::int as n from alert_decision
            where decided_at is not null group by 1 order by 1
            """
        )
    return [(r["decision"], r["n"]) for r in rows]


def gone(n: int, at: datetime, cohort_first: int = 0) -> list[AlertRow]:
    """Accounts that vanished for no known reason, which is no news."""
    return [
        an_alert(i, a_change(i, NOT_FOUND, at=at - MINUTE), at, ORDER)
        for i in range(cohort_first, cohort_first + n)
    ]


async def test_a_daily_digest_is_sent_once_by_any_number_of_notifiers(dsn: str, pool: Pool) -> None:
    await with_rule(pool, DAILY)
    await store(pool, blocked(20))
    async with open_pool(dsn) as other:
        made = await asyncio.gather(*(decide_alerts(p, T0 + 8 * HOUR, HEAD) for p in (pool, other) * 3))
    assert sorted(made) == [0, 0, 0, 0, 0, 2]
    assert await mails(pool) == [
        (to, T0 + 8 * HOUR, "20 accounts withheld in India (IN) - daily digest, 1 Feb 2021")
        for to in (DESK, NIGHT)
    ]
    assert await decided(pool) == [("grouped", 20)]
    assert await decide_alerts(pool, T0 + 9 * HOUR, HEAD) == 0


async def test_if_all_recipients_unsubscribed_the_alerts_are_closed_with_that_reason(pool: Pool) -> None:
    await with_rule(pool, DAILY)
    await store(pool, blocked(3))
    async with transaction(pool) as conn:
        for to in DAILY.recipients:
            await rules.refuse_digests(conn, "Desk", to, T0)
    assert await decide_alerts(pool, T0 + 8 * HOUR, HEAD) == 0
    assert await decided(pool) == [("unsubscribed", 3)]
    assert await next_due(pool, None, T0 + 8 * HOUR) == T0 + 32 * HOUR


async def test_an_email_continues_from_its_readers_last_one_and_names_what_catch_up_digests_had(
    pool: Pool,
) -> None:
    await with_rule(pool, AT_ONCE)
    async with transaction(pool) as conn:
        await rules.refuse_digests(conn, "Desk", NIGHT, T0)
    await store(pool, [*blocked(20), *gone(30, T0 + 2 * HOUR, 100)])
    await decide_alerts(pool, T0 + 7 * DAY, HEAD)
    at = T0 + 7 * DAY
    back = [an_alert(i, a_change(i, AVAILABLE, WITHHELD_IN, at=at), at, ORDER) for i in range(15)]
    await store(pool, back)
    await decide_alerts(pool, at + HOUR, HEAD)
    assert [to for to, _, _ in await mails(pool)] == [DESK]
    async with transaction(pool) as conn:
        texts = await conn.fetch("select text_body from mail where wave = 3 order by recipients")
    desk, night = [str(r["text_body"]) for r in texts]
    since = "Below is what is new."
    goes_on = "This email continues the one that reported what was known at 1 Feb 2021,"
    assert f"{goes_on} 02:00 UTC. {since}" in desk
    left = (
        "Catch-up digests, which you do not get, reported what was recorded after that until "
        "1 Feb 2021, 02:00 UTC."
    )
    assert f"{goes_on} 00:01 UTC. {left} {since}" in night


async def test_unsubscribing_from_a_missing_rule_fails(pool: Pool) -> None:
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match="There is no rule 'Desk'"):
            await rules.refuse_digests(conn, "Desk", DESK, T0)


async def _explained(pool: Pool, key: str) -> GroupExplanation:
    async with transaction(pool) as conn:
        found = await explain_incident(conn, key)
    assert found is not None
    return found


async def test_every_rule_says_whom_it_would_notify_or_why_not(pool: Pool, dsn: str, played: Played) -> None:
    async with transaction(pool) as conn:
        line = (await incident_lines(conn, IncidentFilter(), 10))[-1]
        brazil = Match(countries=frozenset({"BR"}))
        elsewhere = AlertRule(name="Elsewhere", recipients=("far@example.org",), match=brazil)
        await save_rule(conn, elsewhere, "ada", played.now)
        known = [stored.rule.name for stored in await load_rules(conn)]
    key = line.work.story_key
    found = await _explained(pool, key)
    assert [one.rule for one in found.rules] == known
    by_name = {one.rule: one for one in found.rules}
    mine, far = by_name[line.rule], by_name["Elsewhere"]
    assert mine.matches == found.alerts > 0
    assert would_notify_words(mine) == ", ".join(mine.recipients)
    assert sum(one.alerts for one in mine.decided) == found.alerts
    assert (far.matches, would_notify_words(far)) == (0, "nobody")
    assert sum(one.alerts for one in far.unmatched) == found.alerts
    assert {one.reason for one in far.unmatched} <= {"countries", "active_since"}
    assert decided_words(far) == ["Decided nothing about them"]
    async with transaction(pool) as conn:
        page = repr(await page_of(conn, f"/incidents/{key}/rules", played.now, SETTINGS, "light"))
        assert f"href='/incidents/{key}/rules'" in repr(
            await page_of(conn, f"/incidents/{key}", played.now, SETTINGS, "light")
        )
    assert "Elsewhere" in page
    assert match_outcome_words(far)[1] in page
    async with api_served(pool, dsn, played.now) as api:
        answer = await api.get(f"/incidents/{key}/rules")
        missing = await api.get(f"/incidents/{'0' * 64}/rules")
    assert [one["matches"] for one in answer.json["rules"]] == [one.matches for one in found.rules]
    assert missing.status == 404


RULE = AlertRule((DESK,), zone="Asia/Kolkata")


@dataclass(slots=True)
class Server:
    """A mail server whose hour comes and goes. It keeps what it accepts."""

    is_up: bool = False
    is_mute: bool = False
    """It takes the message, and nobody hears whether it accepted it."""
    only: tuple[str, ...] = ()
    """Whom it takes mails to, of all."""
    accepted: list[Mail] = field(default_factory=list[Mail])

    async def send(self, mail: Mail) -> None:
        if self.is_up and (not self.only or mail.recipients[0] in self.only):
            self.accepted.append(mail)
            if not self.is_mute:
                return
        fault = DeliveryFault.MAIL if self.only else DeliveryFault.SERVER
        raise Undeliverable("no answer", permanent=False, fault=fault, uncertain=self.is_mute)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def subjects(self) -> list[str]:
        return [mail.subject.partition(" - ")[0] for mail in self.accepted]


def turned(account: int, at: datetime, new: State, old: State, *cohorts: Cohort) -> AlertRow:
    change = a_change(account, new, old, at=at, handle=f"reporter{account}")
    return an_alert(account, change, at + MINUTE, *(cohorts or (REPORTERS,)))


def withheld(account: int, at: float, *cohorts: Cohort) -> AlertRow:
    return turned(account, minutes(at), WITHHELD_IN, AVAILABLE, *cohorts)


def back(account: int, at: float, *cohorts: Cohort) -> AlertRow:
    return turned(account, minutes(at), AVAILABLE, WITHHELD_IN, *cohorts)


async def merging_told(pool: Pool, server: Server, at: float, *alerts: AlertRow) -> None:
    """These are recorded, and the notifier looks a few minutes later."""
    await store(pool, alerts)
    await tick(pool, server, minutes(at + 5), HEAD)


async def test_a_merged_email_names_its_replacement_and_is_not_sent_again(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await merging_told(pool, server, 0, withheld(1, 0))
    await merging_told(pool, server, 600, back(1, 600))
    async with transaction(pool) as conn:
        with pytest.raises(
            Refused, match=r"Mail 1 was merged into mail 3, which contains both\. Send mail 3"
        ):
            await mail_queue.resend(conn, 1, "anna", minutes(700))
