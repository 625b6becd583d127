"""A labeler begins or ceases to withhold something: reported once, as what it states, with both times."""

from dataclasses import replace
from datetime import timedelta

from collectors.bluesky.declaration import BLUESKY
from jobs.messages.compose import Letterhead
from jobs.notify.label_alerts import draft, label_notices
from jobs.notify.notifier import next_decision, tick
from storage.alerts import rules
from storage.model.alerts.label_alerts import LabelNews
from storage.model.alerts.rules import AlertRule, Digest, Match, RuleId
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.labels import LabeledKind, LabelStep
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


async def test_a_label_that_replaces_another_is_no_news(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, stated(made_at=minutes(1)), at=minutes(1))
    inbox = InOrder()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(2), HEAD)
        await store(pool, stated(made_at=minutes(100)), at=minutes(100))
        await tick(pool, sender, minutes(110), HEAD)
    assert len(inbox.mails()) == 1


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
