"""Trials: which mails the rules would tell, and the mark on them that no template can leave out."""

from dataclasses import replace

from jobs.messages.compose import Letterhead
from jobs.notify.alert_preview import draft, files, newest, waves_on_trial
from storage.model.alerts.alerts import AlertStage, AlertThread, MailDraft, SentWave
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import ORDER, a_change, a_rule, an_alert, blocked, store
from tests.support.samples.readings import T0, minutes

DESK, NIGHT = "desk@example.org", "night@example.org"
ALL = AlertRule((DESK, NIGHT), name="All")
NONE = AlertRule((), name="Nobody yet")
HEAD = Letterhead("https://blockline.example.org/", link_key=b"k" * 32)
TOLD = SentWave(minutes(-9), minutes(-9), {"block": 1})


def test_the_trial_recipient_replaces_those_that_a_rule_lacks() -> None:
    assert waves_on_trial(blocked(1), [a_rule(NONE)], None, None) == []
    (wave,) = waves_on_trial(blocked(1), [a_rule(NONE)], None, DESK)
    assert wave.recipients == (DESK,)


def test_of_several_stages_the_confirmed_one_is_sent_on_trial_else_the_last() -> None:
    first = an_alert(1, a_change(1), T0)
    seen = replace(first, stage=AlertStage.PROVISIONAL)
    back = replace(first, alert_id=2, stage=AlertStage.WITHDRAWN, created_at=minutes(9))
    assert newest([seen, first, back]) == first
    assert newest([seen, back]) == back


BARE = MailDraft("<1@x>", DESK, "A subject", "A text\n", "", payload='{"headline":"A subject","kind":"wave"}')


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
