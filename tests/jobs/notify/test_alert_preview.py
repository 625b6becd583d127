"""Trials: which mails the rules would tell, and the mark on them that no template can leave out."""

from dataclasses import replace

import pytest

from jobs.delivery.channel_config import Webhook
from jobs.delivery.webhook import WebhookSender, signature
from jobs.messages.compose import Letterhead
from jobs.notify.alert_preview import draft, files, mail, marked, newest, waves_on_trial
from storage.model.alerts.alerts import AlertStage, AlertThread, MailDraft, MailKind, SentWave
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, blocked, store
from tests.support.samples.readings import SUSPENDED, T0, minutes
from tests.support.servers.mail import SECRET, receiving, says

DESK, NIGHT = "desk@example.org", "night@example.org"
ALL = AlertRule((DESK, NIGHT), name="All")
NONE = AlertRule((), name="Nobody yet")
HEAD = Letterhead("https://blockline.example.org/", link_key=b"k" * 32)
TOLD = SentWave(minutes(-9), minutes(-9), {"block": 1})


def test_a_group_is_one_email_per_rule_and_cohort_in_the_order_of_the_rules() -> None:
    alerts = [*blocked(3), an_alert(9, a_change(9, SUSPENDED), T0, REPORTERS)]
    rules = [
        a_rule(AlertRule((NIGHT,), name="Press", match=Match(lists=frozenset({"Reporters"}))), 5),
        a_rule(ALL, 2),
        a_rule(replace(ALL, name="Digest", digest=Digest.WEEKLY), 3),
    ]
    waves = waves_on_trial(alerts, rules, None, None)
    assert [(w.rule.name, w.cohort and w.cohort.name, w.recipients, len(w.alerts)) for w in waves] == [
        ("Press", "Reporters", (NIGHT,), 1),
        ("All", "Reporters", (DESK,), 1),
        ("All", "Order of 31 January", (DESK, NIGHT), 3),
        ("Digest", "Reporters", (DESK, NIGHT), 1),
        ("Digest", "Order of 31 January", (DESK, NIGHT), 3),
    ]


def test_the_trial_recipient_replaces_those_that_a_rule_lacks() -> None:
    assert waves_on_trial(blocked(1), [a_rule(NONE)], None, None) == []
    (wave,) = waves_on_trial(blocked(1), [a_rule(NONE)], None, DESK)
    assert wave.recipients == (DESK,)


@pytest.mark.parametrize(
    ("story", "goes_on"),
    [
        pytest.param(AlertThread("s", 1, ORDER.list_id, (DESK, NIGHT), (TOLD,)), True, id="its own"),
        pytest.param(
            AlertThread("s", 2, ORDER.list_id, (DESK, NIGHT), (TOLD,)), False, id="that of another rule"
        ),
        pytest.param(AlertThread("s", 1, ORDER.list_id, (DESK,), (TOLD,)), True, id="told to fewer people"),
        pytest.param(None, False, id="none"),
    ],
)
def test_a_trial_continues_an_incident_only_if_its_rule_would(
    story: AlertThread | None, goes_on: bool
) -> None:
    (wave,) = waves_on_trial(blocked(2), [a_rule(ALL)], story, None)
    assert (wave.story is not None) == goes_on


def test_of_several_stages_the_confirmed_one_is_sent_on_trial_else_the_last() -> None:
    first = an_alert(1, a_change(1), T0)
    seen = replace(first, stage=AlertStage.PROVISIONAL)
    back = replace(first, alert_id=2, stage=AlertStage.WITHDRAWN, created_at=minutes(9))
    assert newest([seen, first, back]) == first
    assert newest([seen, back]) == back


BARE = MailDraft("<1@x>", DESK, "A subject", "A text\n", "", payload='{"headline":"A subject","kind":"wave"}')


@pytest.mark.parametrize(
    "html",
    ["<p>hi</p>", "<html><BODY class='a'><p>hi</p></BODY></html>", "", "<body"],
    ids=["no body", "a body", "nothing", "half a body"],
)
def test_the_mark_is_in_every_part_whatever_a_template_made(html: str) -> None:
    made = marked(replace(BARE, html_body=html), "<Rule> & more", T0)
    assert made.subject == "Test: A subject"
    assert made.kind is MailKind.TEST
    assert made.text_body.startswith("TEST\nThis is a test, made by hand on 1 Feb 2021, 00:00 UTC. ")
    assert made.text_body.endswith("A text\n")
    assert "TEST. This is a test" in made.html_body
    assert "the rule &lt;Rule&gt; &amp; more would send it now" in made.html_body
    assert made.payload is not None
    assert '"kind":"test"' in made.payload
    assert '"headline":"Test: A subject"' in made.payload


async def test_a_webhook_takes_a_trial_like_an_alert_and_sees_that_it_is_one(pool: Pool) -> None:
    await store(pool, blocked(3))
    (wave,) = waves_on_trial(blocked(3), [a_rule(AlertRule(("webhook:desk",)))], None, None)
    async with transaction(pool) as conn:
        made = await draft(conn, wave, "webhook:desk", HEAD, minutes(5))
        later = await draft(conn, wave, "webhook:desk", HEAD, minutes(6))
    assert made.message_id != later.message_id
    async with receiving(says(200)) as receiver:
        sender = WebhookSender(
            {"desk": Webhook(receiver.url, (SECRET,))}, lambda: minutes(5), "https://desk.example"
        )
        await sender.send(mail(made, minutes(5)))
        await sender.close()
        (request,) = receiver.requests
    assert b'"kind":"test"' in request.body
    stamp = int(request.headers["Blockline-Timestamp"])
    assert request.headers["Blockline-Signature"] == f"v1={signature(SECRET, stamp, request.body)}"


async def test_a_trial_acknowledges_nothing_and_has_no_thread(pool: Pool) -> None:
    await store(pool, blocked(3))
    story = AlertThread("s", 1, ORDER.list_id, (DESK, NIGHT), (TOLD,))
    (wave,) = waves_on_trial(blocked(3), [a_rule(ALL)], story, None)
    async with transaction(pool) as conn:
        made = await draft(conn, wave, DESK, HEAD, minutes(5))
    assert "/mail-link/" not in made.text_body + made.html_body
    assert (made.in_reply_to, made.reference_ids) == (None, ())
    assert made.subject.startswith("Test: Update: ")


def test_a_file_has_the_name_of_its_rule_in_letters_that_every_disk_takes() -> None:
    names = [f.name for f in files(BARE, 3, "../Night: só & more", "alerts@example.org", T0)]
    assert names == [f"3-night-s-more.{ending}" for ending in ("eml", "html", "json", "txt")]
    assert files(BARE, 1, "報道", "alerts@example.org", T0)[0].name == "1-rule.eml"
