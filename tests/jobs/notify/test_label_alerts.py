"""A labeler begins or ceases to withhold something: reported once, as what it states, with both times."""

from dataclasses import replace
from datetime import timedelta

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify.label_alerts import draft, label_notices
from jobs.notify.notifier import next_decision, tick
from storage.accounts.accounts import NewAccount, add_accounts
from storage.alerts import rules
from storage.executives.signals import add_executive, add_signals
from storage.model.alerts.label_alerts import LabelNews
from storage.model.alerts.rules import AlertRule, Digest, Match, RuleId
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.labels import LabeledKind, LabelStep
from storage.model.core.orders import NewOrder
from storage.model.core.signals import Signal, SignalKind
from storage.orders.orders import add_order
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import a_rule, tell_by
from tests.support.samples.label_signing import LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import T0, minutes
from tests.support.servers.mail import InOrder, serving

DESK = "desk@example.org"
BOTH = frozenset(LabelStep)
RULE = AlertRule((DESK,), name="Labels", match=Match(kinds=frozenset()), labels=BOTH)
HEAD = Letterhead("https://blockline.example.org/")
HALF = timedelta(seconds=0.5)
NEWS = LabelNews(
    7, LabelStep.ADDED, False, LABELER, BLUESKY, "TR", SUBJECT, LabeledKind.ACCOUNT, "!hide", minutes(8),
    minutes(10), AccountId(2), "reporter.example", True, frozenset({"press"}), 500, False,
    frozenset({(ListId(5), "Press")}), frozenset({"TR-1"}),
)  # fmt: skip
STRANGER = replace(
    NEWS, account_id=None, handle=None, is_watched=False, tags=frozenset(), followers=None, lists=frozenset(),
    orders=frozenset(),
)  # fmt: skip
ADDED = frozenset({(RuleId(1), 7, LabelStep.ADDED)})


def test_a_headline_counts_each_subject_once() -> None:
    again = replace(NEWS, label_id=8, value="!takedown")
    post = replace(STRANGER, label_id=9, subject=POST, kind=LabeledKind.POST)
    lifted = replace(STRANGER, label_id=10, subject="did:plc:other", step=LabelStep.LIFTED)
    (notice,) = label_notices([NEWS, again, post, lifted], [a_rule(RULE)], (), {}, ())
    mail = draft(notice, DESK, HEAD)
    expected = "Turkey (TR): labeler begins to withhold 1 account and 1 post and ceases to withhold 1 account"
    assert mail.subject == expected


async def test_each_step_of_a_label_is_sent_once_with_both_times(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, stated(made_at=minutes(1), expires_at=minutes(200)), at=minutes(2))
    inbox = InOrder()
    async with serving(inbox) as sender:
        assert await next_decision(pool, minutes(2)) == minutes(2) + HALF
        for now in (2.1, 2.2, 3, 30, 199):
            await tick(pool, sender, minutes(now), HEAD)
        (first,) = inbox.mails()
        assert first.subject == f"Turkey (TR): labeler begins to withhold account {SUBJECT}"
        assert "Stated by the labeler: 1 Feb 2021, 00:01 UTC. Received: 1 Feb 2021, 00:02 UTC." in first.text
        assert "Label only: Blockline does not store it" in first.text
        assert "https://blockline.example.org/countries/TR/labels" in first.text
        assert await pool.fetchval("select kind from mail") == "labels"
        for now in (200.1, 201, 300):
            await tick(pool, sender, minutes(now), HEAD)
        _, second = inbox.mails()
    assert second.subject == f"Turkey (TR): labeler ceases to withhold account {SUBJECT}"
    assert "The label expired on 1 Feb 2021, 03:20 UTC, by the labeler's own time." in second.text


async def test_a_digest_sends_labels_alone_to_those_who_did_not_unsubscribe(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, recipients=(DESK, "law@example.org"), digest=Digest.DAILY))
    async with transaction(pool) as conn:
        await rules.refuse_digests(conn, "Labels", DESK, T0)
    await store(pool, stated(made_at=minutes(1)), at=minutes(2))
    inbox = InOrder()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(479), HEAD)
        assert inbox.mails() == []
        await tick(pool, sender, minutes(480), HEAD)
    (mail,) = inbox.mails()
    assert mail.recipients == ("law@example.org",)
    assert mail.subject.startswith("Turkey (TR): labeler begins"), (
        "no digest of changes, without kinds of them"
    )


ENGAGEMENT_ALERTS_RULE = AlertRule((DESK,), name="Acts", match=Match(kinds=frozenset()), engagement=True)


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
    await tell_by(pool, *(rules or (ENGAGEMENT_ALERTS_RULE,)))
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
