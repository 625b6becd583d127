"""An executive engages with an account that an order names: told once, as what was seen and no more."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify.engagement_alerts import LOOK_BACK, engaged
from jobs.notify.notifier import next_decision, tick
from storage.accounts.accounts import NewAccount, add_accounts
from storage.alerts.rules import keep_to_settings
from storage.executives.signals import add_executive, add_signals
from storage.model.alerts.engagement_alerts import NamedAct, NamedBy
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rule_codec import from_table, to_table
from storage.model.alerts.rules import AlertRule, Match, Mute, RuleId, Severity
from storage.model.core.accounts import AccountId, ListId, TargetKind
from storage.model.core.orders import NewOrder
from storage.model.core.signals import Signal, SignalKind
from storage.orders.orders import add_order
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import a_rule, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.servers.mail import serving

DESK = "desk@example.org"
RULE = AlertRule((DESK,), name="Acts", match=Match(kinds=frozenset()), engagement=True)
HEAD = Letterhead("https://blockline.example.org/")
BY = NamedBy("IN-1", "Order 1", "IN", ListId(5), "Order 1 list")
ACT = NamedAct(
    7, "x 12 repost 900", "Ada Chief", AccountId(1), X, SignalKind.REPOST, minutes(3), None,
    minutes(10), AccountId(2), "reporter", frozenset({"press"}), (BY,),
)  # fmt: skip
HALF = timedelta(seconds=0.5)


def due(
    rule: AlertRule = RULE,
    *acts: NamedAct,
    told: frozenset[tuple[RuleId, int]] = frozenset(),
    last: datetime | None = None,
    mute: Mute | None = None,
    enabled: bool = True,
) -> list[datetime]:
    when = {RuleId(1): last} if last is not None else {}
    known = [a_rule(rule, enabled=enabled)]
    return [e.at for e in engaged(acts or (ACT,), known, told, when, [mute] if mute else [])]


@pytest.mark.parametrize(
    ("rule", "found", "expected"),
    [
        ("an act is told as soon as nothing more came", due(), [minutes(10) + HALF]),
        ("a rule that does not ask for acts tells none", due(AlertRule((DESK,))), []),
        ("a rule that is switched off tells none", due(enabled=False), []),
        (
            "a rule about posts alone tells none: acts are with accounts",
            due(replace(RULE, match=replace(RULE.match, targets=frozenset({TargetKind.POSTS})))),
            [],
        ),
        ("what it has told it does not tell again", due(told=frozenset({(RuleId(1), 7)})), []),
        ("another rule's telling is not its own", due(told=frozenset({(RuleId(2), 7)})),
         [minutes(10) + HALF]),
        ("after a mail it gathers for as long as before an update", due(last=minutes(5)), [minutes(65)]),
        ("an act from before the rule is no news", due(RULE, replace(ACT, first_seen_at=T0 - MINUTE)), []),
        ("quiet hours keep it back", due(replace(RULE, quiet=QuietHours(time(0), time(6)))), [minutes(360)]),
        ("what is critical is told at night",
         due(replace(RULE, quiet=QuietHours(time(0), time(6)), severity=Severity.CRITICAL)),
         [minutes(10) + HALF]),
        ("a rule about other orders is not about it",
         due(replace(RULE, match=Match(orders=frozenset({"X"})))), []),
        ("a rule about its list is", due(replace(RULE, match=Match(lists=frozenset({"Order 1 list"})))),
         [minutes(10) + HALF]),
        ("a rule about other tags is not", due(replace(RULE, match=Match(tags=frozenset({"law"})))), []),
        ("a rule about another platform is not",
         due(replace(RULE, match=Match(platforms=frozenset({BLUESKY})))), []),
        ("maintenance keeps it back for good", due(mute=Mute(1, None, None, T0, None, "", "")), []),
        ("a mute of the target does too", due(mute=Mute(1, AccountId(2), None, T0, None, "", "")), []),
        ("a mute of another account does not", due(mute=Mute(1, AccountId(9), None, T0, None, "", "")),
         [minutes(10) + HALF]),
        ("a mute that ended before it was seen does not",
         due(mute=Mute(1, None, None, T0, minutes(9), "", "")), [minutes(10) + HALF]),
    ],
)  # fmt: skip
def test_when_engagements_are_sent(rule: str, found: list[datetime], expected: list[datetime]) -> None:
    assert found == expected, rule


def test_a_rule_stores_that_it_asks_for_engagements() -> None:
    assert from_table(to_table(RULE)) == RULE
    assert to_table(RULE)["engagement"] is True


async def story(pool: Pool, *rules: AlertRule) -> int:
    """An order that names one account, and an executive who looks at things; returns the executive's id."""
    order = NewOrder("IN-1", "Order 1", "Ministry", "IN", "69A", T0, None, None, None, 1, "Order 1 list", T0)
    async with transaction(pool) as conn:
        await add_order(conn, order, T0)
        named = NewAccount(X, "200", "reporter", ("Order 1 list",))
        other = NewAccount(X, "300", "somebody", ("Others",))
        await add_accounts(conn, [named, other], T0)
        await add_executive(conn, X, "12", "chief", "Ada <Chief>", "Chief executive", T0)
        chief = await conn.fetchval("select account_id from account where native_id = '12'")
    await tell_by(pool, *(rules or (RULE,)))
    return chief


async def act(pool: Pool, chief: int, at: float, n: int, target: str = "200", kind: str = "repost") -> None:
    made = None if kind == "follow" else minutes(at - 2)
    whom = (target, None) if kind == "follow" else (f"p{n}", target)
    async with transaction(pool) as conn:
        signal = Signal(SignalKind(kind), str(n), made, *whom)
        await add_signals(conn, AccountId(chief), [signal], minutes(at))


async def test_an_engagement_with_a_named_account_is_sent_once_and_others_never(pool: Pool) -> None:
    chief = await story(pool)
    await act(pool, chief, 1, 1, target="300")
    await act(pool, chief, 2, 2)
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await next_decision(pool, minutes(2)) == minutes(2) + HALF
        for now in (2.1, 2.2, 3, 30):
            await tick(pool, sender, minutes(now), HEAD)
        (mail,) = inbox.mails()
        assert mail.subject == "Ada <Chief> reposted a post of @reporter"
        assert "1 Feb 2021, 00:00 UTC, first seen 1 Feb 2021, 00:02 UTC" in mail.text
        assert "Named by: Order 1" in mail.text
        assert "not evidence that the engagement and the order are connected" in mail.text
        assert await pool.fetchval("select kind from mail") == "engagement"
        assert "Ada &lt;Chief&gt; reposted" in await pool.fetchval("select html_body from mail")
        await act(pool, chief, 31, 3)
        await act(pool, chief, 40, 4, kind="follow")
        await tick(pool, sender, minutes(41), HEAD)
        assert len(inbox.mails()) == 1, "an hour lies between two mails"
        await tick(pool, sender, minutes(63), HEAD)
        (second,) = [m for m in inbox.mails() if m.message_id != mail.message_id]
    assert second.subject == "Ada <Chief> engaged with 1 account that orders name"
    assert "Ada <Chief> followed @reporter" in second.text
    assert "time not known; first seen 1 Feb 2021, 00:40 UTC" in second.text


async def test_two_rules_notify_their_own_recipients_with_the_same_email(pool: Pool) -> None:
    other = replace(RULE, name="Others", recipients=("law@example.org", DESK))
    chief = await story(pool, RULE, other)
    await act(pool, chief, 2, 2)
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(5), HEAD)
    assert sorted(m.recipients for m in inbox.mails()) == [(DESK,), ("law@example.org",)]


async def test_imported_or_uncertain_engagements_are_not_sent(pool: Pool) -> None:
    chief = await story(pool)
    await act(pool, chief, 2, 2)
    await act(pool, chief, 3, 3)
    async with transaction(pool) as conn:
        await conn.execute("update signal set source = 'import:record' where native_id = '2'")
        await conn.execute("update signal set doubts = '{likely_rename}' where native_id = '3'")
    assert await next_decision(pool, minutes(5)) is None


async def test_an_engagement_first_seen_days_ago_is_not_news(pool: Pool) -> None:
    chief = await story(pool)
    await act(pool, chief, 2, 2)
    latest = LOOK_BACK + RULE.settle * RULE.growth_limit + RULE.update_after
    assert await next_decision(pool, minutes(2) + latest) is not None
    assert await next_decision(pool, minutes(2.1) + latest) is None


def test_engagements_that_keep_arriving_are_sent_after_a_while() -> None:
    rule = replace(RULE, settle=timedelta(hours=1))
    acts = [replace(ACT, signal_id=n, act_key=str(n), first_seen_at=minutes(10 + 30 * n)) for n in range(60)]
    assert due(rule, *acts) == [minutes(10) + 10 * rule.settle]


async def test_a_rule_that_starts_to_ask_does_not_send_earlier_engagements(pool: Pool) -> None:
    chief = await story(pool, replace(RULE, engagement=False))
    await act(pool, chief, 2, 2)
    async with transaction(pool) as conn:
        await keep_to_settings(conn, [RULE], minutes(4))
    await act(pool, chief, 6, 3)
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(8), HEAD)
    (mail,) = inbox.mails()
    assert "00:06 UTC" in mail.text
    assert "00:02 UTC" not in mail.text
