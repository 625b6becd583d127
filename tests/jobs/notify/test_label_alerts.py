"""A labeler begins or ceases to withhold something: reported once, as what it states, with both times."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify.label_alerts import draft, label_notices
from jobs.notify.notifier import next_decision, tick
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.watch_lists import take_accounts_off
from storage.alerts import mutes, rules
from storage.model.alerts.label_alerts import LabelNews
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rule_codec import from_table, to_table
from storage.model.alerts.rules import AlertRule, Digest, Match, Mute, RuleId, Severity
from storage.model.core.accounts import AccountId, ListId, TargetKind
from storage.model.core.labels import LabeledKind, LabelStep
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.alerts import a_rule, tell_by
from tests.support.samples.label_signing import LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import MINUTE, T0, minutes
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
AT_ONCE = [minutes(10) + HALF]
ADDED = frozenset({(RuleId(1), 7, LabelStep.ADDED)})


def about(**match: object) -> AlertRule:
    return replace(RULE, match=replace(RULE.match, **match))


def due(
    rule: AlertRule = RULE,
    *news: LabelNews,
    reported: frozenset[tuple[RuleId, int, LabelStep]] = frozenset(),
    last: datetime | None = None,
    mute: Mute | None = None,
    enabled: bool = True,
) -> list[datetime]:
    when = {(RuleId(1), "TR"): last} if last is not None else {}
    known = [a_rule(rule, enabled=enabled)]
    return [one.at for one in label_notices(news or (NEWS,), known, reported, when, [mute] if mute else [])]


@pytest.mark.parametrize(
    ("rule", "found", "expected"),
    [
        ("a label is reported as soon as nothing more came", due(), AT_ONCE),
        ("so is one about what nobody watches", due(RULE, STRANGER), AT_ONCE),
        ("a rule that does not ask for labels tells none", due(AlertRule((DESK,))), []),
        ("a rule that is switched off tells none", due(enabled=False), []),
        ("a rule about what is lifted tells nothing that is added",
         due(replace(RULE, labels=frozenset({LabelStep.LIFTED}))), []),
        ("what it has reported it does not tell again", due(reported=ADDED), []),
        ("that a label was reported as added says nothing of its expiry",
         due(RULE, replace(NEWS, step=LabelStep.LIFTED), reported=ADDED),
         AT_ONCE),
        ("after a mail it gathers for as long as before an update", due(last=minutes(5)), [minutes(65)]),
        ("a label received before the rule is no news", due(RULE, replace(NEWS, known_at=T0 - MINUTE)), []),
        ("quiet hours keep it back", due(replace(RULE, quiet=QuietHours(time(0), time(6)))), [minutes(360)]),
        ("what is critical is reported at night",
         due(replace(RULE, quiet=QuietHours(time(0), time(6)), severity=Severity.CRITICAL)), AT_ONCE),
        ("a digest gathers it", due(replace(RULE, digest=Digest.DAILY, digest_at=time(8))), [minutes(480)]),
        ("a rule about another country is not about it", due(about(countries=frozenset({"DE"}))), []),
        ("a rule about its country is", due(about(countries=frozenset({"TR"}))), AT_ONCE),
        ("a rule about a list is about what stands on it", due(about(lists=frozenset({"Press"}))), AT_ONCE),
        ("and not about strangers", due(about(lists=frozenset({"Press"})), STRANGER), []),
        ("a rule about an order is about what it names", due(about(orders=frozenset({"TR-1"}))), AT_ONCE),
        ("a rule about other tags is not", due(about(tags=frozenset({"law"}))), []),
        ("nor one about more followers", due(about(min_followers=501)), []),
        ("nor one about any number of followers, if none is on file", due(about(min_followers=0), STRANGER),
         []),
        ("nor one about executives", due(about(executives=True)), []),
        ("nor one about another platform", due(about(platforms=frozenset({X}))), []),
        ("a rule about posts is not about an account", due(about(targets=frozenset({TargetKind.POSTS}))), []),
        ("and one about accounts not about a post",
         due(about(targets=frozenset({TargetKind.ACCOUNTS})), replace(NEWS, kind=LabeledKind.POST)), []),
        ("maintenance keeps it back for good", due(mute=Mute(1, None, None, T0, None, "", "")), []),
        ("a mute of the account does too", due(mute=Mute(1, AccountId(2), None, T0, None, "", "")), []),
        ("and one of its list", due(mute=Mute(1, None, ListId(5), T0, None, "", "")), []),
        ("a mute of another account does not", due(mute=Mute(1, AccountId(9), None, T0, None, "", "")),
         AT_ONCE),
        ("a mute that ended before it was received does not",
         due(mute=Mute(1, None, None, T0, minutes(9), "", "")), AT_ONCE),
        ("each country has an email of its own", due(RULE, NEWS, replace(NEWS, label_id=8, country="DE")),
         [*AT_ONCE, *AT_ONCE]),
        ("a burst is one email, after ten times the wait at the latest",
         due(RULE, *(replace(NEWS, label_id=n, known_at=minutes(10 + n / 200)) for n in range(500))),
         [minutes(10) + 10 * HALF]),
    ],
)  # fmt: skip
def test_when_labels_are_sent(rule: str, found: list[datetime], expected: list[datetime]) -> None:
    assert found == expected, rule


def test_a_rule_stores_that_it_asks_for_labels() -> None:
    assert from_table(to_table(RULE)) == RULE
    assert to_table(RULE)["labels"] == ["added", "lifted"]


def test_a_headline_counts_each_subject_once() -> None:
    again = replace(NEWS, label_id=8, value="!takedown")
    post = replace(STRANGER, label_id=9, subject=POST, kind=LabeledKind.POST)
    lifted = replace(STRANGER, label_id=10, subject="did:plc:other", step=LabelStep.LIFTED)
    (notice,) = label_notices([NEWS, again, post, lifted], [a_rule(RULE)], (), {}, ())
    mail = draft(notice, DESK, HEAD)
    expected = "Turkey (TR): labeler begins to withhold 1 account and 1 post and ceases to withhold 1 account"
    assert mail.subject == expected


def test_an_email_describes_twenty_labels_and_counts_the_others() -> None:
    many = [replace(STRANGER, label_id=n, subject=f"did:plc:{n:04}") for n in range(500)]
    (notice,) = label_notices(many, [a_rule(RULE)], (), {}, ())
    mail = draft(notice, DESK, HEAD)
    assert mail.subject == "Turkey (TR): labeler begins to withhold 500 accounts"
    assert mail.text_body.count("Label only: Blockline does not store it") == 20
    assert "… and 480 more" in mail.text_body


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


async def test_what_a_labeler_withheld_before_it_was_collected_is_not_sent(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, stated(made_at=T0 - MINUTE), stated(POST, made_at=T0 - MINUTE, negated=True), at=T0)
    async with serving(Inbox()) as sender:
        await tick(pool, sender, minutes(5), HEAD)
    assert await pool.fetchval("select count(*) from mail") == 0


async def test_a_label_that_replaces_another_is_no_news(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, stated(made_at=minutes(1)), at=minutes(1))
    inbox = InOrder()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(2), HEAD)
        await store(pool, stated(made_at=minutes(100)), at=minutes(100))
        await tick(pool, sender, minutes(110), HEAD)
    assert len(inbox.mails()) == 1


async def test_a_watched_account_is_named_with_its_lists(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "reporter.example", ("Press",))], T0)
    await tell_by(pool, replace(RULE, match=replace(RULE.match, lists=frozenset({"Press"}))))
    await store(pool, stated(made_at=minutes(1)), stated("did:plc:other", made_at=minutes(1)), at=minutes(2))
    inbox = InOrder()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(3), HEAD)
    (mail,) = inbox.mails()
    assert mail.subject == "Turkey (TR): labeler begins to withhold @reporter.example (Bluesky)"
    assert "Watched. Lists: Press." in mail.text


@pytest.mark.parametrize("muted", [True, False], ids=["on a muted list", "off it"])
async def test_a_mute_of_a_list_covers_what_stands_on_it(pool: Pool, muted: bool) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "reporter.example", ("Press",))], T0)
        await mutes.mute_list(conn, "Press", T0, None, "", "ada", T0)
        if not muted:
            one = await conn.fetchval("select account_id from account")
            await take_accounts_off(conn, "Press", [one], "ada", T0)
    await tell_by(pool, RULE)
    await store(pool, stated(made_at=minutes(1)), at=minutes(2))
    async with serving(Inbox()) as sender:
        await tick(pool, sender, minutes(3), HEAD)
    assert await pool.fetchval("select count(*) from mail") == (0 if muted else 1)


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


async def test_a_whole_purge_takes_an_account_out_of_what_waits_and_what_was_sent(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, stated(made_at=minutes(1)), at=minutes(2))
    inbox = InOrder()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(3), HEAD)
        assert SUBJECT in await pool.fetchval("select subject || text_body || html_body from mail")
        await store(pool, stated(made_at=minutes(80), negated=True), at=minutes(80))
        async with transaction(pool) as conn:
            await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "reporter.example", ("Press",))], T0)
            one = await conn.fetchval("select account_id from account")
            await purge_account(conn, one, minutes(80), whole=True)
        await tick(pool, sender, minutes(90), HEAD)
    assert len(inbox.mails()) == 1
    assert SUBJECT not in await pool.fetchval("select subject || text_body || html_body from mail")
