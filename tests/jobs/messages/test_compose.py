"""What a mail says, and the bytes that go out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as parsing
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup, NotificationHistory, decide
from jobs.messages.compose import Letterhead, compose, message
from storage.model.alerts.alerts import (
    AlertChange,
    AlertRow,
    AlertStage,
    Cohort,
    ListStatus,
    Mail,
    MailDraft,
    MailState,
)
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.availability import Flag, State, Status, Strength, kind_of
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to, past
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    minutes,
)

DESK = "desk@example.org"
RULE = AlertRule((DESK,), zone="Asia/Kolkata")
HEAD = Letterhead("https://blockline.example.org/")
IN_PK = State(Status.WITHHELD, ("IN", "PK"))


def wave_of(alerts: Sequence[AlertRow]) -> AlertGroup:
    """What these alerts are told in, as the first mail of a story; the last of it if there are several."""
    rules, history = [a_rule(RULE)], NotificationHistory([past(a) for a in alerts])
    found = decide(alerts, rules, [], history, T0 + timedelta(days=90))
    parts = [*found.waves, *(part for due in found.digests for part in due.parts)]
    return replace(max(parts, key=lambda w: w.closed_at), story=None)


def mail_of(
    alerts: Sequence[AlertRow], standing: ListStatus | None = None, head: Letterhead = HEAD
) -> MailDraft:
    return compose(wave_of(alerts), standing, head, DESK)


def stored(draft: MailDraft) -> Mail:
    return Mail(
        mail_id=1,
        message_id=draft.message_id,
        recipients=(draft.recipient,),
        subject=draft.subject,
        text_body=draft.text_body,
        html_body=draft.html_body,
        created_at=minutes(5),
        state=MailState.QUEUED,
        attempts=1,
        next_attempt_at=None,
        sent_at=None,
        last_error=None,
    )


@pytest.mark.parametrize(
    ("alerts", "subject"),
    [
        pytest.param(
            [an_alert(i, a_change(i), T0, ORDER) for i in range(12)],
            "12 accounts withheld in India (IN) - order MeitY 2021-01-31",
            id="a wave of an order",
        ),
        pytest.param(
            [an_alert(i, a_change(i, WITHHELD_IN if i < 12 else SUSPENDED), T0, ORDER) for i in range(15)],
            "12 accounts withheld in India (IN), 3 suspended - order MeitY 2021-01-31",
            id="two kinds in one mail",
        ),
        pytest.param(
            [
                an_alert(i, a_change(i, s), T0, ORDER)
                for i, s in enumerate([WITHHELD_IN] * 4 + [SUSPENDED] * 3 + [NOT_FOUND, IN_PK])
            ],
            "4 accounts withheld in India (IN), 3 suspended, 2 changed otherwise - order MeitY 2021-01-31",
            id="four kinds in one mail",
        ),
        pytest.param(
            [an_alert(1, a_change(1, SUSPENDED, handle="reporter"), T0, REPORTERS)],
            "@reporter suspended - list Reporters",
            id="one account",
        ),
        pytest.param(
            [an_alert(1, a_change(1, NOT_FOUND, handle="reporter"), T0)],
            "@reporter not found - on no list",
            id="an account on no list",
        ),
        pytest.param(
            [an_alert(i, a_change(i, AVAILABLE, WITHHELD_IN), T0, ORDER) for i in range(1300)],
            "1,300 accounts available again (before: withheld in India (IN)) - order MeitY 2021-01-31",
            id="a restoration",
        ),
        pytest.param(
            [an_alert(1, a_change(1, PROTECTED, SUSPENDED, handle="a"), T0, REPORTERS)],
            "@a available again, protected (before: suspended) - list Reporters",
            id="a restoration of an account that its owner locked",
        ),
        pytest.param(
            [an_alert(i, a_change(i, IN_PK, WITHHELD_IN), T0, ORDER) for i in range(2)],
            "2 accounts now withheld in India (IN), Pakistan (PK) (before: IN) - order MeitY 2021-01-31",
            id="more countries",
        ),
        *(
            pytest.param(
                [
                    an_alert(
                        n, a_change(1, new, old, at=minutes(n), handle="a", platform=platform), T0, REPORTERS
                    )
                    for n, (old, new) in enumerate(pairwise((AVAILABLE, *states)))
                ],
                f"@a {words} - list Reporters",
                id=words,
            )
            for platform, states, words in (
                (X, (WITHHELD_IN, AVAILABLE), "available again after being withheld in India (IN)"),
                (X, (SUSPENDED, PROTECTED), "available again, protected after being suspended"),
                (X, (NOT_FOUND, AVAILABLE), "found again after being not found"),
                (X, (WITHHELD_IN, SUSPENDED), "withheld in India (IN), then suspended"),
                (
                    X,
                    (WITHHELD_IN, IN_PK),
                    "withheld in India (IN), then withheld in India (IN), Pakistan (PK)",
                ),
                (
                    X,
                    (WITHHELD_IN, AVAILABLE, WITHHELD_IN),
                    "withheld in India (IN), then available again, then withheld in India (IN) again",
                ),
                (
                    BLUESKY,
                    (WITHHELD_IN, AVAILABLE),
                    "restricted in IN (Bluesky app), then no longer",
                ),
            )
        ),
        pytest.param(
            [an_alert(1, a_change(1, AVAILABLE, NOT_FOUND, handle="a"), T0, REPORTERS)],
            "@a found again - list Reporters",
            id="a return is not called a restoration",
        ),
        *(
            pytest.param(
                [
                    replace(
                        an_alert(1, change, T0, REPORTERS),
                        stage=AlertStage.WITHDRAWN,
                        owed=owed_to(),
                    )
                ],
                f"Taken back: @a seen as {words}, not confirmed after all - list Reporters",
                id=f"what is taken back: {words}",
            )
            for change, words in (
                (a_change(1, NOT_FOUND, handle="a"), "not found"),
                (a_change(1, AVAILABLE, NOT_FOUND, handle="a"), "found again"),
                (a_change(1, WITHHELD_IN, handle="a"), "withheld in India (IN)"),
            )
        ),
        pytest.param(
            [an_alert(1, a_change(1, State(Status.WITHHELD, ("XX",)), handle="a"), T0, REPORTERS)],
            "@a withheld in all countries - list Reporters",
            id="everywhere",
        ),
    ],
)
def test_the_subject_says_what_happened_to_whom_and_in_which_cohort(
    alerts: list[AlertRow], subject: str
) -> None:
    assert mail_of(alerts, ListStatus(0, ())).subject == subject


@pytest.mark.parametrize("stage", [stage for stage in AlertStage if stage is not AlertStage.CONFIRMED])
def test_what_is_not_confirmed_is_not_said_to_have_happened(stage: AlertStage) -> None:
    alert = replace(an_alert(1, a_change(1), T0, REPORTERS), stage=stage)
    wave = AlertGroup(a_rule(RULE), (DESK,), REPORTERS, (alert,), (), T0, None)
    mail = compose(wave, None, HEAD, DESK)
    for body in (mail.text_body, mail.html_body):
        assert "Happened between" not in body
        assert ">Between" not in body
        assert "happened between" in body


def test_a_narrow_phone_may_wrap_every_count() -> None:
    alerts = [an_alert(i, a_change(i), T0, ORDER) for i in range(46)]
    html = mail_of(alerts, ListStatus(250, ((X, WITHHELD_IN, 204), (X, AVAILABLE, 40)))).html_body
    assert "46 more in this email" in html
    assert "nowrap" not in html


def test_a_mail_that_has_no_page_does_not_link_to_one() -> None:
    alerts = [an_alert(n, a_change(n), T0) for n in (1, 2)]
    text = mail_of(alerts, head=replace(HEAD, has_pages=False)).text_body
    assert "The dashboard: https://blockline.example.org/\n" in text
    assert "/mail/" not in text
    assert "/incidents/" not in text
    assert "href" not in mail_of(alerts, head=Letterhead()).html_body


@pytest.mark.parametrize(
    ("alert", "line"),
    [
        (an_alert(1, a_change(1), T0, ORDER), "Who asked for an account to be withheld"),
        (an_alert(1, a_change(1, SUSPENDED), T0, ORDER), "Why an account was suspended"),
        (an_alert(1, a_change(1, NOT_FOUND), T0, ORDER), "its owner or the platform"),
        (an_alert(1, a_change(1, AVAILABLE, SUSPENDED), T0, ORDER), "Who brought an account back"),
        (an_alert(1, a_change(1, left_censored=True), T0, ORDER), "How long before the first reading"),
        (an_alert(1, a_change(1), T0, ORDER), "That the order is the cause"),
        (an_alert(1, a_change(1), T0), "not in this email are unaffected"),
    ],
)
def test_a_mail_says_what_is_not_known_and_not_claimed(alert: AlertRow, line: str) -> None:
    draft = mail_of([alert], ListStatus(1, ()))
    assert line in draft.text_body
    assert line in draft.html_body


def test_other_lists_of_the_accounts_are_named() -> None:
    alerts = [an_alert(i, a_change(i), T0, ORDER, *([REPORTERS] if i < 2 else [])) for i in range(5)]
    assert "Also on: list Reporters (2 accounts)." in mail_of(alerts, ListStatus(5, ())).text_body


def test_a_synthetic_scenario_says_so_in_subject_text_and_html() -> None:
    draft = mail_of([an_alert(1, a_change(1), T0, ORDER)], head=Letterhead(synthetic=True))
    assert draft.subject.startswith("Synthetic scenario: ")
    assert draft.text_body.startswith("SYNTHETIC SCENARIO")
    assert "Synthetic scenario" in draft.html_body
    assert "ynthetic" not in mail_of([an_alert(1, a_change(1), T0, ORDER)]).html_body


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


@given(handle=st.text(), name=st.text())
def test_no_handle_and_no_list_name_breaks_a_mail(handle: str, name: str) -> None:
    hostile = Cohort(ListId(9), name + '\r\nBcc: x@y.org\r\n\r\n<script onload="x">', None)
    change = a_change(1, handle=handle + "<img src=x onerror=y>")
    draft = mail_of([an_alert(1, change, T0, hostile)], ListStatus(1, ()))
    raw = message(stored(draft), "alerts@example.org").as_bytes()
    parsed = message_from_bytes(raw, _class=EmailMessage, policy=parsing)
    assert set(parsed.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    html = parsed.get_body(("html",))
    assert html is not None
    tags = _Tags()
    tags.feed(html.get_content())
    assert not tags.seen & {"script", "img"}


APP = frozenset({Flag.APP_VIEW_ONLY})


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


def mail_about(*changes: AlertChange):
    alerts = tuple(an_alert(i, c, T0 + MINUTE) for i, c in enumerate(changes))
    wave = AlertGroup(a_rule(AlertRule((DESK,))), (DESK,), None, alerts, (), T0 + MINUTE, None)
    return compose(wave, None, Letterhead(), DESK)


def test_an_explanation_speaks_of_each_of_several_accounts() -> None:
    text = mail_about(change_on(BLUESKY, SUSPENDED, APP, 1), change_on(BLUESKY, SUSPENDED, APP, 2)).text_body
    assert "In each case its own server still serves it." in text
