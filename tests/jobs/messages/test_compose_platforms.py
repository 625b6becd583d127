"""Mails about three platforms: the same words as the pages."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup
from jobs.messages.compose import Letterhead, compose
from storage.model.alerts.alerts import AlertChange
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status, Strength, kind_of
from storage.model.text.states import short_words
from tests.support.samples.alerts import a_rule, an_alert
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0
from tests.support.seeds.changes import DEACTIVATED

DESK = "desk@example.org"
TR = State(Status.WITHHELD, ("TR",))
HOST = frozenset({Flag.HOST})
APP = frozenset({Flag.APP_VIEW_ONLY})
DELETED = frozenset({Flag.DELETED})
OR_DELETED = frozenset({Flag.SUSPENDED_OR_DELETED})
NONE = frozenset[Flag]()


def change_on(platform: Platform, new: State, flags: frozenset[Flag], number: int = 1) -> AlertChange:
    return AlertChange(
        change_key=f"{number:064}",
        account_id=AccountId(number),
        platform=platform,
        handle=f"account{number}.example",
        old=AVAILABLE,
        new=new,
        kind=kind_of(AVAILABLE, new, flags),
        strength=Strength.STRONG,
        last_seen_old=T0 - 15 * MINUTE,
        first_seen_new=T0,
        readings=2,
        flags=flags,
    )


@pytest.mark.parametrize(
    ("platform", "new", "flags", "subject", "note", "unknown"),
    [
        pytest.param(
            BLUESKY,
            TR,
            NONE,
            "@account1.example restricted in TR (Bluesky app)",
            None,
            "Apps other than Bluesky's own may show it there.",
            id="a country's restriction",
        ),
        pytest.param(
            BLUESKY,
            SUSPENDED,
            APP,
            "@account1.example taken down in the Bluesky app only",
            "Its own server still serves it.",
            "Why an account was taken down",
            id="the app only",
        ),
        pytest.param(
            BLUESKY,
            SUSPENDED,
            NONE,
            "@account1.example taken down",
            "By whom was not observable.",
            "Whether its server or Bluesky took an account down",
            id="by whom is not known",
        ),
        pytest.param(
            BLUESKY,
            NOT_FOUND,
            DELETED,
            "@account1.example deleted",
            "Its server no longer holds it.",
            "Who closed an account that is gone",
            id="a deletion",
        ),
        pytest.param(
            MASTODON,
            SUSPENDED,
            OR_DELETED,
            "@account1.example suspended by its server or deleted by its owner",
            "Mastodon does not say which.",
            "Whether its server suspended an account or its owner deleted it",
            id="either on Mastodon",
        ),
    ],
)
def test_a_mail_says_the_same_words_as_the_pages_and_what_stays_unknown(
    platform: Platform, new: State, flags: frozenset[Flag], subject: str, note: str | None, unknown: str
) -> None:
    change = change_on(platform, new, flags)
    draft = mail_about(change)
    assert draft.subject == f"{subject} - on no list"
    assert subject.endswith(short_words(new, platform, flags))
    for body in (draft.text_body, draft.html_body.replace("&#39;", "'")):
        assert note is None or note in body
        assert unknown in body
    told = draft.text_body.lower()
    assert "block" not in told
    assert "withheld" not in told


def mail_about(*changes: AlertChange):
    alerts = tuple(an_alert(i, c, T0 + MINUTE) for i, c in enumerate(changes))
    wave = AlertGroup(a_rule(AlertRule((DESK,))), (DESK,), None, alerts, (), T0 + MINUTE, None)
    return compose(wave, None, Letterhead(), DESK)


def test_the_owners_deactivation_is_not_told_as_somebody_elses_act() -> None:
    text = mail_about(change_on(BLUESKY, DEACTIVATED, NONE)).text_body
    assert "deactivated by its owner" in text
    assert "Who closed an account" not in text
    assert "Who closed an account" in mail_about(change_on(X, DEACTIVATED, NONE)).text_body


def test_one_mail_about_two_platforms_calls_each_by_its_own_words() -> None:
    draft = mail_about(
        change_on(BLUESKY, SUSPENDED, HOST, 1),
        change_on(BLUESKY, SUSPENDED, HOST, 2),
        change_on(X, SUSPENDED, NONE, 3),
    )
    assert draft.subject == "2 accounts taken down by their server, 1 suspended - on no list"
    assert "1 account suspended" in draft.text_body


def test_an_explanation_speaks_of_each_of_several_accounts() -> None:
    text = mail_about(change_on(BLUESKY, SUSPENDED, APP, 1), change_on(BLUESKY, SUSPENDED, APP, 2)).text_body
    assert "In each case its own server still serves it." in text
