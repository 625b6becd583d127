"""An executive engages with an account that an order names: told once, as what was seen and no more."""

from dataclasses import replace
from datetime import timedelta

from collectors.x.declaration import X
from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import next_decision, tick
from storage.accounts.accounts import NewAccount, add_accounts
from storage.executives.signals import add_executive, add_signals
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import AccountId
from storage.model.core.orders import NewOrder
from storage.model.core.signals import Signal, SignalKind
from storage.orders.orders import add_order
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import T0, minutes
from tests.support.servers.mail import serving

DESK = "desk@example.org"
RULE = AlertRule((DESK,), name="Acts", match=Match(kinds=frozenset()), engagement=True)
HEAD = Letterhead("https://blockline.example.org/")
HALF = timedelta(seconds=0.5)


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
