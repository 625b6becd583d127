"""What a mail says, and the bytes that go out."""

import re
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
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup, NotificationHistory, decide
from jobs.messages.compose import Letterhead, compose, message, message_id, story_key
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
from storage.model.text.states import short_words
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
from tests.support.seeds.changes import DEACTIVATED

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


def test_counts_name_their_denominator_and_what_this_mail_adds() -> None:
    alerts = [an_alert(i, a_change(i), T0, ORDER) for i in range(46)]
    text = mail_of(alerts, ListStatus(250, ((X, WITHHELD_IN, 204), (X, AVAILABLE, 40)))).text_body
    assert "names 257 accounts; 250 of them are watched here" in text
    assert "withheld in India (IN): 204 of 257 named accounts, 46 more in this email" in text
    assert "available: 40 of 257 named accounts, 46 fewer in this email" in text
    assert "watched, not read yet: 6 of 257 named accounts" in text
    assert "not watched here: 7 of 257 named accounts" in text


def test_a_narrow_phone_may_wrap_every_count() -> None:
    alerts = [an_alert(i, a_change(i), T0, ORDER) for i in range(46)]
    html = mail_of(alerts, ListStatus(250, ((X, WITHHELD_IN, 204), (X, AVAILABLE, 40)))).html_body
    assert "46 more in this email" in html
    assert "nowrap" not in html


def test_a_state_that_a_restoration_emptied_is_still_counted() -> None:
    alerts = [an_alert(i, a_change(i, AVAILABLE, SUSPENDED), T0, REPORTERS) for i in range(3)]
    text = mail_of(alerts, ListStatus(12, ((X, AVAILABLE, 12),))).text_body
    assert "suspended: 0 of 12 watched accounts, 3 fewer in this email" in text


def test_an_order_that_names_fewer_accounts_than_are_watched_is_no_denominator() -> None:
    alerts = [an_alert(1, a_change(1), T0, ORDER)]
    assert "1 of 300 watched accounts" in mail_of(alerts, ListStatus(300, ((X, WITHHELD_IN, 1),))).text_body


def test_every_group_of_changes_has_its_interval_evidence_and_number_of_readings() -> None:
    alerts = [
        an_alert(1, a_change(1, at=minutes(60), handle="one"), minutes(61), ORDER),
        an_alert(2, a_change(2, at=minutes(60), handle="two"), minutes(61), ORDER),
        an_alert(3, a_change(3, NOT_FOUND, at=minutes(45), readings=4, handle="three"), minutes(61), ORDER),
    ]
    text = mail_of(alerts, ListStatus(3, ())).text_body
    both = "Happened between 00:45 and 01:00 UTC (06:15 and 06:30 IST) on 1 Feb 2021\n  2 accounts"
    assert both in text
    assert "strong evidence (the platform said so), 2 readings agree\n  @one, @two\n" in text
    assert "weak evidence (only an absence), 4 readings agree\n  @three\n" in text


def test_at_most_fifty_accounts_are_listed_and_small_groups_are_listed_whole() -> None:
    alerts = [an_alert(i, a_change(i, handle=f"w{i}"), T0, ORDER) for i in range(254)]
    alerts += [an_alert(i, a_change(i, SUSPENDED, handle=f"s{i}"), T0, ORDER) for i in range(254, 257)]
    draft = mail_of(alerts, ListStatus(257, ()))
    assert len(re.findall(r"@[ws]\d+", draft.text_body)) == 50
    assert len(re.findall(r"@[ws]\d+", draft.html_body)) == 50
    assert draft.text_body.count("@s") == 3
    assert re.search(r"@w\d+ and 207 more\n", draft.text_body), "it stands by the group that it is of"
    assert "</bdi></a> and 207 more</div>" in draft.html_body
    assert len(draft.html_body.encode()) < 100_000, "longer mails are cut off by some clients"


def test_groups_without_any_room_are_counted_by_themselves() -> None:
    alerts = [an_alert(i, a_change(i, at=minutes(min(i, 59))), minutes(60), ORDER) for i in range(62)]
    draft = mail_of(alerts)
    (unlisted,) = re.findall(r"^  (\d+) more accounts not listed here", draft.text_body, re.MULTILINE)
    listed = len(re.findall(r"@account_\d+", draft.text_body))
    in_groups = sum(int(n) for n in re.findall(r" and (\d+) more$", draft.text_body, re.MULTILINE))
    assert listed + in_groups + int(unlisted) == 62


@pytest.mark.parametrize(
    ("alerts", "places"),
    [
        pytest.param(
            [an_alert(1, a_change(1), T0, ORDER)],
            ["The account: {}account/1", "Order MeitY 2021-01-31 on the Live page: {}?list=1"],
            id="one account of an order",
        ),
        pytest.param(
            [an_alert(n, a_change(n), T0, REPORTERS) for n in (1, 2)],
            ["List Reporters on the Live page: {}?list=2"],
            id="accounts of a list",
        ),
        pytest.param(
            [an_alert(n, a_change(n), T0) for n in (1, 2)], [], id="accounts on no list: only the mail itself"
        ),
    ],
)
def test_a_mail_links_to_its_incident_to_what_it_speaks_of_and_to_itself(
    alerts: Sequence[AlertRow], places: list[str]
) -> None:
    draft = mail_of(alerts)
    base = "https://blockline.example.org/"
    incident = f"The incident: {{}}incidents/{story_key(wave_of(alerts))}"
    own = f"This email: {{}}mail/{draft.message_id.strip('<>')}"
    there = [line for line in draft.text_body.splitlines() if base in line]
    assert there == [place.format(base) for place in (incident, *places, own)]
    assert all(f'href="{line.partition(": ")[2]}"' in draft.html_body for line in there)
    assert f'href="{base}account/1"' in draft.html_body
    assert base not in mail_of(alerts, head=Letterhead()).html_body


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


def test_an_account_that_flaps_is_told_with_its_changes() -> None:
    states = [AVAILABLE, SUSPENDED]
    alerts = [
        an_alert(
            i,
            a_change(1, states[(i + 1) % 2], states[i % 2], at=minutes(60 * i), handle="pendulum"),
            minutes(60 * i + 1),
            REPORTERS,
        )
        for i in range(4)
    ]
    draft = mail_of(alerts, ListStatus(1, ()))
    assert draft.subject == "@pendulum going back and forth (now available) - list Reporters"
    assert draft.text_body.count("available → suspended, between") == 2
    assert draft.text_body.count("suspended → available, between") == 2
    assert "are recorded and shown on the dashboard, but not emailed" in draft.html_body


def test_a_synthetic_scenario_says_so_in_subject_text_and_html() -> None:
    draft = mail_of([an_alert(1, a_change(1), T0, ORDER)], head=Letterhead(synthetic=True))
    assert draft.subject.startswith("Synthetic scenario: ")
    assert draft.text_body.startswith("SYNTHETIC SCENARIO")
    assert "Synthetic scenario" in draft.html_body
    assert "ynthetic" not in mail_of([an_alert(1, a_change(1), T0, ORDER)]).html_body


def test_an_account_of_another_platform_is_named_with_it() -> None:
    change = a_change(1, SUSPENDED, handle="a.example.org", platform=BLUESKY)
    assert "@a.example.org (Bluesky)" in mail_of([an_alert(1, change, T0)]).text_body


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


def test_a_message_has_text_and_html_that_any_server_can_carry() -> None:
    draft = mail_of(
        [an_alert(i, a_change(i, handle="ज़ोर"), T0, ORDER) for i in range(257)], ListStatus(257, ())
    )
    raw = message(stored(draft), "Blockline <alerts@example.org>").as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    parsed = message_from_bytes(raw, _class=EmailMessage, policy=parsing)
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert parsed["Subject"] == draft.subject
    assert parsed["To"] == "desk@example.org"
    assert parsed["Date"].datetime == minutes(5)
    assert parsed["Message-ID"] == draft.message_id


def test_the_same_stored_mail_makes_the_same_bytes() -> None:
    mail = stored(mail_of([an_alert(1, a_change(1), T0, ORDER)]))
    assert message(mail, "a@example.org").as_bytes() == message(mail, "a@example.org").as_bytes()


def test_the_message_id_knows_the_changes_and_the_recipients_but_no_serial_number() -> None:
    one = mail_of([an_alert(1, a_change(1), T0, ORDER), an_alert(2, a_change(2), T0, ORDER)])
    renumbered = mail_of([an_alert(77, a_change(2), T0, ORDER), an_alert(78, a_change(1), T0, ORDER)])
    fewer = mail_of([an_alert(1, a_change(1), T0, ORDER)])
    assert renumbered == one
    assert fewer.message_id != one.message_id
    assert message_id(["a"], ["x@y.org"], "d") != message_id(["a"], ["z@y.org"], "d")
    assert message_id(["a", "b"], ["x", "y"], "d") == message_id(["b", "a"], ["y", "x"], "d")


def test_the_same_wave_makes_the_same_mail_in_whatever_order_its_rows_come() -> None:
    alerts = [an_alert(i, a_change(i, at=minutes(i % 3)), minutes(3), ORDER, REPORTERS) for i in range(60)]
    assert mail_of(alerts[::-1], ListStatus(60, ())) == mail_of(alerts, ListStatus(60, ()))


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
