"""Mails about three platforms, and mails to the operators: the same words as the pages."""

import itertools

import pytest

from jobs.compose import Letterhead, compose, operator_mail
from jobs.policy import AlertRule, Wave
from storage.collectors import CollectorState
from storage.model.accounts import AccountId, Platform
from storage.model.alerts import AlertChange
from storage.model.availability import Flag, MissedReason, State, Status, Strength, kind_of
from storage.model.words import short_words
from tests.alert_factories import an_alert
from tests.factories import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0
from tests.seed_changes import DEACTIVATED

X, BLUESKY, MASTODON = Platform
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
            "Other apps than Bluesky's own may show it there.",
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
            "Who took an account down, its server or Bluesky",
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
    assert draft.subject == f"{subject} — on no list"
    assert subject.endswith(short_words(new, platform, flags))
    for body in (draft.text_body, draft.html_body.replace("&#39;", "'")):
        assert note is None or note in body
        assert unknown in body
    told = draft.text_body.lower()
    assert "block" not in told
    assert "withheld" not in told


def mail_about(*changes: AlertChange):
    alerts = tuple(an_alert(i, c, T0 + MINUTE) for i, c in enumerate(changes))
    wave = Wave(None, alerts, (), T0 + MINUTE)
    return compose(wave, None, AlertRule(("desk@example.org",)), Letterhead())


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
    assert draft.subject == "2 accounts taken down by their server, 1 suspended — on no list"
    assert "1 account suspended" in draft.text_body


def test_an_explanation_speaks_of_each_of_several_accounts() -> None:
    text = mail_about(change_on(BLUESKY, SUSPENDED, APP, 1), change_on(BLUESKY, SUSPENDED, APP, 2)).text_body
    assert "In each case its own server still serves it." in text


HEAD = Letterhead("https://blockline.example.org/", operators=("ops@example.org", "night@example.org"))


def stopped(
    reason: str | None, platform: Platform = X, place: str = "", vantage: str = "", detail: str = "402"
) -> CollectorState:
    return CollectorState(platform, False, reason, detail, T0, T0 + 15 * MINUTE, place, vantage)


@pytest.mark.parametrize(
    ("state", "subject", "to_do"),
    [
        pytest.param(
            stopped("credits"),
            "Blockline: the X collector stopped (credits used up)",
            "Buy credits in the developer console of X, or watch fewer accounts",
            id="no credits",
        ),
        pytest.param(
            stopped("auth"),
            "Blockline: the X collector stopped (key refused)",
            "Renew the bearer token",
            id="a token that is refused",
        ),
        pytest.param(
            stopped("usage_capped"),
            "Blockline: the X collector stopped (usage cap reached)",
            "Raise the spending or usage cap",
            id="a cap",
        ),
        pytest.param(
            stopped("access"),
            "Blockline: the X collector stopped (access refused)",
            "whose plan includes user lookup",
            id="no access",
        ),
        pytest.param(
            stopped("access", MASTODON, "one.example"),
            "Blockline: the Mastodon at one.example collector stopped (access refused)",
            "Ask the people who run it",
            id="one server that answers known servers only",
        ),
        pytest.param(
            stopped("held", BLUESKY),
            "Blockline: the Bluesky collector stopped (control accounts look wrong)",
            "the health page says which",
            id="control accounts",
        ),
        pytest.param(
            stopped("held", MASTODON),
            "Blockline: the Mastodon collector stopped (control accounts look wrong)",
            "name some in setting mastodon_canaries.",
            id="control accounts of one's own",
        ),
        pytest.param(
            stopped("network", BLUESKY, vantage="tr"),
            "Blockline: the Bluesky from tr collector stopped (not reached)",
            "it tries again by itself",
            id="nothing to do but to wait",
        ),
        pytest.param(
            stopped(None, BLUESKY),
            "Blockline: the Bluesky collector stopped (no reason is on record)",
            "it tries again by itself",
            id="no reason on record",
        ),
    ],
)
def test_operators_are_told_what_stopped_why_and_what_to_do(
    state: CollectorState, subject: str, to_do: str
) -> None:
    draft = operator_mail(state, HEAD)
    assert draft.subject == subject
    assert draft.recipients == ("night@example.org", "ops@example.org")
    for body in (draft.text_body, draft.html_body):
        assert to_do in body
        assert "1 Feb 2021, 00:00 UTC" in body
        assert "https://blockline.example.org/health" in body


@pytest.mark.parametrize("reason", MissedReason)
def test_no_mail_to_operators_hints_at_a_block(reason: MissedReason) -> None:
    for platform in Platform:
        draft = operator_mail(stopped(reason.value, platform), HEAD)
        assert "no status changes: no account is called blocked, none restored" in draft.text_body
        said = draft.text_body.replace("is called blocked", "").replace("Blockline", "").lower()
        assert "block" not in said.replace("blockline", "")


def test_one_stop_makes_one_mail_however_often_it_is_noticed() -> None:
    states = [
        stopped("credits"),
        stopped("credits", vantage="tr"),
        stopped("credits", MASTODON, "one.example"),
        stopped("credits", MASTODON, "two.example"),
    ]
    ids = [operator_mail(state, HEAD).message_id for state in states]
    assert len(set(ids)) == len(ids)
    assert operator_mail(stopped("credits"), HEAD) == operator_mail(stopped("credits"), HEAD)
    assert all(a != b for a, b in itertools.pairwise(ids))


def test_what_a_platform_says_cannot_break_the_mail() -> None:
    hostile = stopped("credits", detail='<script>x</script>\r\nBcc: a@b.c\r\n\r\n"')
    draft = operator_mail(hostile, HEAD)
    assert "<script>" not in draft.html_body
    assert "\r" not in draft.text_body
    assert "Bcc" not in draft.subject


def test_an_invented_scenario_is_called_one_to_operators_too() -> None:
    draft = operator_mail(stopped("credits"), Letterhead(synthetic=True, operators=("a@example.org",)))
    assert draft.subject.startswith("Synthetic scenario: ")
    assert "Synthetic scenario" in draft.html_body
    assert "/health" not in draft.text_body
