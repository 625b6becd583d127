"""What a digest and a round-up say: counts first, what was looked at, and never more than was seen."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup, DigestDue, Flap
from jobs.messages.compose import Letterhead
from jobs.messages.digest_compose import ACCOUNTS_LISTED, compose
from jobs.messages.digest_facts import (
    DigestCohort,
    DigestContent,
    DigestCoverage,
    DigestPlatform,
    QuietCohorts,
    StateNow,
    looked,
    parts_of,
)
from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    ListStatus,
    MailDraft,
    OrderRef,
    PastAlert,
    SentWave,
)
from storage.model.alerts.digest_period import PastCondition, PlatformSilence, RuleAccount, UnsentChanges
from storage.model.alerts.rules import AlertRule, Digest, Match, RuleId, StoredRule
from storage.model.core.accounts import AccountId, ListId, TargetKind
from storage.model.core.availability import ChangeKind
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

SECOND = Cohort(ListId(3), "Order of 4 February", OrderRef("MeitY 2021-02-04", "IN", T0, 1178))
DAY = timedelta(days=1)
HEAD = Letterhead("https://blockline.example.org/", link_key=b"k" * 32)
DAILY = AlertRule(("desk@example.org",), "Desk", zone="Asia/Kolkata", digest=Digest.DAILY)
AT_ONCE = replace(DAILY, digest=Digest.NONE)
ALL_READ = DigestCoverage(T0, T0 + DAY, 45 * MINUTE, (DigestPlatform(X, 1178, 1178, 0),))

NOTHING_QUIET = QuietCohorts()


def stored(rule: AlertRule) -> StoredRule:
    return StoredRule(RuleId(1), rule, enabled=True, from_settings=False, active_since=T0, digested_to=T0)


def a_digest(alerts: Sequence[AlertRow], rule: AlertRule = DAILY) -> DigestDue:
    return DigestDue(stored(rule), rule.recipients, T0, T0 + DAY, tuple(alerts))


def a_round_up(*parts: Sequence[AlertRow], told_to: Sequence[tuple[str, ...]] = ()) -> DigestDue:
    rule = stored(AT_ONCE)
    waves = tuple(
        AlertGroup(
            rule,
            told_to[i] if told_to else AT_ONCE.recipients,
            alerts[0].cohorts[0] if alerts[0].cohorts else None,
            tuple(alerts),
            (),
            T0 + DAY,
            None,
        )
        for i, alerts in enumerate(parts)
    )
    recipients = tuple(dict.fromkeys(r for w in waves for r in w.recipients))
    return DigestDue(rule, recipients, T0, T0 + DAY, tuple(a for p in parts for a in p), waves)


def mail_of(
    due: DigestDue,
    look: DigestCoverage = ALL_READ,
    quiet: QuietCohorts = NOTHING_QUIET,
    head: Letterhead = HEAD,
    to: str = "",
) -> MailDraft:
    to = to or due.recipients[0]
    return compose(DigestContent(due, parts_of(due, to), look, quiet), head, to)


def blocked(n: int, cohort: Cohort = ORDER, first: int = 0) -> list[AlertRow]:
    return [an_alert(i, a_change(i), minutes(5), cohort) for i in range(first, first + n)]


def what(draft: MailDraft) -> str:
    return draft.subject.rpartition(" - ")[0]


@pytest.mark.parametrize(
    ("alerts", "subject"),
    [
        pytest.param(blocked(12), "12 accounts withheld in India (IN)", id="one kind"),
        pytest.param(
            [an_alert(i, a_change(i, WITHHELD_IN if i < 12 else SUSPENDED), T0, ORDER) for i in range(15)],
            "15 accounts changed: 12 withheld in India (IN), 3 suspended",
            id="two kinds come with their sum",
        ),
        pytest.param(
            [
                an_alert(i, a_change(i, s, o), T0, ORDER)
                for i, (s, o) in enumerate(
                    [(WITHHELD_IN, AVAILABLE)] * 4
                    + [(SUSPENDED, AVAILABLE)] * 3
                    + [(NOT_FOUND, AVAILABLE)] * 2
                    + [(AVAILABLE, NOT_FOUND), (AVAILABLE, SUSPENDED)]
                )
            ],
            "11 accounts changed: 4 withheld in India (IN), 3 suspended, 2 not found, 2 otherwise",
            id="of many kinds the largest are named",
        ),
        pytest.param(
            [an_alert(1, a_change(1, SUSPENDED, handle="reporter"), T0, REPORTERS)],
            "@reporter suspended",
            id="one account has a name",
        ),
        pytest.param(
            [
                an_alert(1, a_change(1), T0, ORDER),
                an_alert(2, a_change(1, AVAILABLE, WITHHELD_IN, at=minutes(9)), minutes(10), ORDER),
                an_alert(3, a_change(2), T0, ORDER),
            ],
            "2 accounts changed, 1 in more than one way: 2 withheld in India (IN), "
            "1 available again (before: withheld in India (IN))",
            id="an account that changed twice is one account, and the subject says why the parts are more",
        ),
        pytest.param(
            [replace(a, stage=AlertStage.PROVISIONAL) for a in blocked(2)],
            "2 accounts seen as withheld in India (IN), not confirmed yet",
            id="what is not confirmed is not told as if it were",
        ),
        pytest.param(
            [replace(blocked(1)[0], stage=AlertStage.PROVISIONAL), *blocked(1), *blocked(1, first=1)],
            "2 accounts withheld in India (IN)",
            id="a change that was confirmed meanwhile is only told as confirmed",
        ),
        pytest.param(
            [replace(blocked(1)[0], stage=AlertStage.WITHDRAWN), *blocked(2, first=1)],
            "3 accounts: 2 withheld in India (IN), 1 seen as withheld in India (IN), not confirmed after all",
            id="what was taken back did not change",
        ),
        pytest.param(
            [
                *blocked(2),
                replace(
                    an_alert(9, a_change(0, AVAILABLE, WITHHELD_IN, at=minutes(9)), minutes(10), ORDER),
                    stage=AlertStage.PROVISIONAL,
                ),
            ],
            "2 accounts, 1 seen in more than one way: 2 withheld in India (IN), "
            "1 seen as available again (before: withheld in India (IN)), not confirmed yet",
            id="a second change that is not confirmed is not told as one",
        ),
    ],
)
def test_the_subject_of_a_digest_begins_with_its_counts(alerts: list[AlertRow], subject: str) -> None:
    assert mail_of(a_digest(alerts)).subject == f"{subject} - daily digest, 2 Feb 2021"


@pytest.mark.parametrize(
    ("look", "subject"),
    [
        pytest.param(ALL_READ, "No change confirmed in 1,178 accounts", id="all were read"),
        pytest.param(
            replace(ALL_READ, provisional=82),
            "No change confirmed in 1,178 accounts, 82 provisional",
            id="what is seen and not confirmed is not silence",
        ),
        pytest.param(
            replace(ALL_READ, platforms=(DigestPlatform(X, 1178, 966, 400),)),
            "No change confirmed, but 212 of 1,178 accounts not read",
            id="who was not read is not called unchanged",
        ),
        pytest.param(
            replace(ALL_READ, platforms=(DigestPlatform(X, 1178, 0, 1178),)),
            "Nothing known: none of 1,178 accounts was read",
            id="a monitor that was down says nothing of changes",
        ),
        pytest.param(
            replace(ALL_READ, platforms=()), "No watched account matches this rule", id="no account"
        ),
        pytest.param(
            replace(ALL_READ, untold=(UnsentChanges(AlertDecision.MUTED, 14),)),
            "Nothing reported: 14 changes left out",
            id="a mute is not a quiet day",
        ),
    ],
)
def test_a_digest_without_changes_claims_only_what_was_looked_at(look: DigestCoverage, subject: str) -> None:
    draft = mail_of(a_digest([]), look)
    assert draft.subject == f"{subject} - daily digest, 2 Feb 2021"
    assert subject in draft.text_body
    assert subject in unescape(draft.html_body)


def test_a_quiet_day_says_what_stands_how_well_was_looked_and_what_is_open() -> None:
    look = DigestCoverage(
        T0,
        T0 + DAY,
        45 * MINUTE,
        (DigestPlatform(X, 1178, 1177, 5), DigestPlatform(MASTODON, 3, 3, 0)),
        (
            StateNow("withheld in India (IN)", 257, is_blocked=True),
            StateNow("available", 924, is_blocked=False),
        ),
        blocked_late=2,
        asked=100_000,
        answered=99_999,
        silences=(PlatformSilence(X, minutes(60), minutes(150)),),
        troubles=(PastCondition("The X collector stopped (no credits)", minutes(61), None),),
        provisional=1,
        untold=(UnsentChanges(AlertDecision.MUTED, 2),),
    )
    quiet = QuietCohorts(((ORDER, ListStatus(257, ((X, WITHHELD_IN, 204),))),), 3)
    text = mail_of(a_digest([]), look, quiet).text_body
    for said in (
        "Changes that were confirmed from 1 Feb 2021, 05:30 IST (00:00 UTC) "
        "to 2 Feb 2021, 05:30 IST (00:00 UTC).",
        "Blocked by the platforms: 257 of 1,181 watched accounts",
        "Of 257 blocked accounts, 2 had not been read for 45 min or longer; the last known status is "
        "counted.",
        "Order MeitY 2021-01-31: 204 of 257 watched accounts blocked",
        "and 3 more; see the dashboard",
        "- 1 change was seen but not yet confirmed at the end. Further readings will decide.",
        "- 2 changes are not reported here (muted). The dashboard shows all changes.",
        "- X: 1,177 of 1,178 watched accounts (99.9%) were read in this time. At the end of this time, 5 had "
        "not been read "
        "for 45 min or longer; the last known status is counted.",
        "- Mastodon: 3 of 3 watched accounts (100%) were read in this time. At the end of this time, none "
        "had not been read",
        "made 100,000 attempts to read an account; 99.9% gave a conclusive answer.",
        "- No regular request to X was answered for 1 h 30 min, from 1 Feb 2021, 06:30 IST (01:00 UTC) to",
        "- The X collector stopped (no credits): from 1 Feb 2021, 06:31 IST (01:01 UTC), still open at the "
        "end",
        "- That nothing happened: this email reports only what was read and confirmed.",
    ):
        assert said in text


CASES = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(
            [
                (WITHHELD_IN, AVAILABLE),
                (SUSPENDED, AVAILABLE),
                (NOT_FOUND, AVAILABLE),
                (AVAILABLE, SUSPENDED),
                (AVAILABLE, WITHHELD_IN),
            ]
        ),
        st.sampled_from(AlertStage),
        st.integers(0, 1400),
    ),
    min_size=1,
    max_size=60,
)


@given(CASES, st.sampled_from([DAILY, AT_ONCE]))
def test_the_subject_never_contradicts_the_body(
    cases: list[tuple[int, tuple[object, object], AlertStage, int]], rule: AlertRule
) -> None:
    of = [(ORDER,), (REPORTERS,), (SECOND,), ()]
    alerts = [
        replace(
            an_alert(i, a_change(n, new, old, at=minutes(at)), minutes(at + 1), *of[n % 4]),  # pyright: ignore[reportArgumentType]
            stage=stage,
        )
        for i, (n, (new, old), stage, at) in enumerate(cases)
    ]
    alerts.sort(key=lambda a: (a.created_at, a.change.change_key))
    by_cohort = [[a for a in alerts if a.cohorts == of[k]] for k in range(4)]
    due = a_digest(alerts) if rule is DAILY else a_round_up(*[part for part in by_cohort if part])
    draft = mail_of(due)
    lines = draft.text_body.splitlines()
    told = what(draft)
    sections: dict[str, int] = {}
    for line in lines:
        if found := re.fullmatch(r"(\d+) accounts? (.+)", line):
            sections[found[2]] = sections.get(found[2], 0) + int(found[1])
    everybody = {a.change.account_id for a in alerts}
    if len(everybody) == 1:
        assert told.startswith("@account_")
    else:
        assert told.startswith(f"{len(everybody)} accounts")
    lead, _, parts = told.partition(": ")
    counted = re.findall(r"(?:^|, )(\d+) (.+?)(?=, \d|$)", parts)
    for n, words in counted:
        if words != "otherwise":
            assert sections[words] == int(n)
    if sum(int(n) for n, _ in counted) > len(everybody):
        assert "in more than one way" in lead
    whole = lead.partition(", ")[0] if counted else told
    (headline,) = [line for line in lines if line.startswith(whole)][:1]
    if counted:
        assert headline.endswith(told.removeprefix(whole))
    assert unescape(re.sub(r"<[^>]+>", "", draft.html_body)).count(headline) >= 1


def test_the_headline_names_the_order_after_the_words_of_the_change() -> None:
    back = [an_alert(i, a_change(i, AVAILABLE, WITHHELD_IN), minutes(5), ORDER) for i in range(2)]
    assert (
        "\n2 accounts available again (before: withheld in India (IN)) on order MeitY 2021-01-31\n"
        in mail_of(a_digest(back)).text_body
    )


def test_an_account_that_changed_in_three_ways_is_one_account() -> None:
    steps = [(WITHHELD_IN, AVAILABLE), (AVAILABLE, WITHHELD_IN), (SUSPENDED, AVAILABLE)]
    alerts = [
        an_alert(i, a_change(0, new, old, at=minutes(60 * i)), minutes(60 * i + 1), ORDER)
        for i, (new, old) in enumerate(steps)
    ]
    draft = mail_of(a_digest([*alerts, *blocked(2, first=50)]))
    assert what(draft).startswith("3 accounts changed, 1 in more than one way: 3 withheld in India (IN), ")
    assert "1 account changed in more than one way and is counted under each." in draft.text_body


def test_a_round_up_over_three_cohorts_tells_each_reader_what_no_other_rule_told_him() -> None:
    both, one = ("desk@example.org", "night@example.org"), ("desk@example.org",)
    due = a_round_up(
        blocked(2),
        blocked(3, REPORTERS, first=10),
        [an_alert(20, a_change(20, NOT_FOUND), minutes(5), SECOND)],
        told_to=[both, one, both],
    )
    desk, night = mail_of(due, to=both[0]), mail_of(due, to=both[1])
    assert what(desk) == "6 accounts changed: 5 withheld in India (IN), 1 not found"
    assert what(night) == "3 accounts changed: 2 withheld in India (IN), 1 not found"
    assert "6 accounts changed on 2 orders and 1 list: 5 withheld" in desk.text_body
    assert "List Reporters" not in night.text_body
    assert desk.message_id != night.message_id
    assert desk.subject.endswith("- round-up, 2 Feb 2021")
    assert "and not sent at once" in desk.text_body


def test_500_accounts_are_counted_whole_and_listed_in_part() -> None:
    alerts = [
        an_alert(i, a_change(i, at=minutes(i)), minutes(i + 1), (ORDER, SECOND, REPORTERS)[i % 3])
        for i in range(500)
    ]
    draft = mail_of(a_digest(alerts))
    assert what(draft) == "500 accounts withheld in India (IN)"
    names = re.findall(r"@account_\d{4}", draft.text_body)
    assert len(names) == len(set(names)) == ACCOUNTS_LISTED
    unlisted = [int(n) for n in re.findall(r" and (\d+) more$", draft.text_body, re.MULTILINE)]
    assert sum(unlisted) == 500 - ACCOUNTS_LISTED
    # Gmail cuts what is longer.
    assert len(draft.html_body.encode()) < 102_000


def test_equal_changes_are_told_with_the_time_of_all_of_them_and_apart_after_a_long_silence() -> None:
    at = [0, 40, 80, 80 + 18 * 60 + 15, 80 + 18 * 60 + 15]
    alerts = [an_alert(i, a_change(i, at=minutes(m)), minutes(m + 1), REPORTERS) for i, m in enumerate(at)]
    rule = replace(DAILY, zone="UTC")
    happened = re.findall(r"Happened (.*)\n  (\d accounts?)", mail_of(a_digest(alerts, rule)).text_body)
    assert happened == [
        ("each at its own time between 31 Jan 2021 23:45 and 1 Feb 2021 01:20 UTC", "3 accounts"),
        ("between 19:20 and 19:35 UTC on 1 Feb 2021", "2 accounts"),
    ]


def test_of_very_many_cohorts_the_largest_are_told_in_full_and_the_rest_in_a_line() -> None:
    cohorts = [Cohort(ListId(i), f"List {i:02}", None) for i in range(40)]
    alerts = [
        an_alert(100 * c + i, a_change(100 * c + i), minutes(5), cohort)
        for c, cohort in enumerate(cohorts)
        for i in range(c + 1)
    ]
    draft = mail_of(a_digest(alerts))
    assert what(draft) == "820 accounts withheld in India (IN)"
    assert draft.text_body.count("== List list") + draft.text_body.count("== List List") == 8
    told = [
        int(n.replace(",", ""))
        for n in re.findall(r"^([\d,]+) accounts? withheld", draft.text_body, re.MULTILINE)
    ]
    brief = [
        int(n) for n in re.findall(r"^  (?:List|On) .*: (\d+) accounts?$", draft.text_body, re.MULTILINE)
    ]
    assert sum(told[1:]) + sum(brief) == 820
    assert len(draft.html_body.encode()) < 102_000


HOSTILE = "\u202eevil\r\nBcc: x@example.org\u200b<script>alert(1)</script>" + "\u0300" * 40


def test_handles_and_names_of_strangers_stay_text_on_their_line() -> None:
    list_name = Cohort(ListId(9), f"List {HOSTILE}", None)
    rule = replace(DAILY, name="R & <b>D</b>")
    alerts = [an_alert(i, a_change(i, handle=f"{HOSTILE}{i}"), minutes(5), list_name) for i in range(1)]
    draft = mail_of(a_digest(alerts, rule), quiet=QuietCohorts(((list_name, ListStatus(1, ())),)))
    assert "<script" not in draft.html_body
    assert "<b>D</b>" not in draft.html_body
    for text in (draft.subject, *draft.text_body.splitlines(), *draft.html_body.splitlines()):
        assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}]
    assert "\nBcc:" not in draft.text_body


def test_an_account_that_goes_back_and_forth_is_told_as_one_story() -> None:
    states = [SUSPENDED, AVAILABLE] * 3
    alerts = [
        an_alert(i, a_change(1, new, states[i - 1], at=minutes(60 * i), handle="twice"), minutes(60 * i + 1))
        for i, new in enumerate(states)
    ]
    text = mail_of(a_digest([*alerts, *blocked(2, first=50)])).text_body
    assert "1 account going back and forth (now available)" in text
    assert text.count("suspended → available") == 3
    assert "3 accounts changed" in text


def test_who_goes_back_and_forth_and_changed_otherwise_too_is_among_those_counted_twice() -> None:
    states = [SUSPENDED, AVAILABLE]
    back = [
        an_alert(i, a_change(1, new, states[i - 1], at=minutes(60 * i)), minutes(60 * i + 1), ORDER)
        for i, new in enumerate(states)
    ]
    due = a_round_up([*blocked(3, first=50), *back])
    flap = Flap(back[1], tuple(PastAlert(a.created_at, a.change) for a in back))
    (part,) = due.parts
    text = mail_of(replace(due, parts=(replace(part, flaps=(flap,)),))).text_body
    assert "3 withheld in India (IN), 1 suspended, 1 going back and forth" in text
    assert "1 account changed in more than one way and is counted under each." in text


def test_a_digest_is_the_same_mail_whoever_composes_it_and_another_for_everybody_else() -> None:
    due = a_digest(blocked(3))
    assert mail_of(due) == mail_of(due)
    others = [
        mail_of(replace(due, until=due.until + DAY)),
        mail_of(replace(due, stored=stored(replace(DAILY, name="Other")))),
        mail_of(replace(due, stored=stored(replace(DAILY, digest=Digest.WEEKLY)))),
        mail_of(due, to="night@example.org"),
    ]
    assert len({mail_of(due).message_id, *(o.message_id for o in others)}) == 5


def test_a_mail_can_be_unsubscribed_from_and_a_webhook_gets_its_words() -> None:
    due = a_digest(blocked(3))
    draft = mail_of(due)
    assert draft.unsubscribe_url is not None
    assert draft.unsubscribe_url in draft.text_body
    assert draft.unsubscribe_url in draft.html_body
    assert draft.payload is None
    hook = mail_of(due, to="webhook:desk")
    assert hook.unsubscribe_url is None
    assert hook.payload is not None
    assert '"kind":"digest"' in hook.payload
    assert "Unsubscribe" not in mail_of(due, head=Letterhead()).text_body


GONE = frozenset({ChangeKind.GONE})


def test_the_rule_says_which_changes_it_is_about() -> None:
    rule = replace(DAILY, match=Match(lists=frozenset({"Reporters"}), countries=frozenset({"IN", "TR"})))
    assert (
        "The rule covers blocks, restorations, countries added or removed, accounts gone, accounts found "
        "again; "
        "only accounts on the list Reporters, withheld in IN, TR."
    ) in mail_of(a_digest([], rule)).text_body


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (Match(targets=frozenset({TargetKind.POSTS}), kinds=GONE), "covers posts gone; only posts."),
        (
            Match(targets=frozenset({TargetKind.POSTS}), kinds=GONE, lists=frozenset({"Press"})),
            "covers posts gone; only posts on the list Press.",
        ),
        (Match(targets=frozenset({TargetKind.ACCOUNTS}), kinds=GONE), "covers accounts gone; only accounts."),
        (Match(targets=frozenset(TargetKind), kinds=GONE), "covers accounts gone."),
    ],
)
def test_a_rule_about_one_kind_says_so(match: Match, said: str) -> None:
    assert f"The rule {said}" in mail_of(a_digest([], replace(DAILY, match=match))).text_body


def test_who_was_read_and_who_is_late_is_counted_at_the_end_of_the_digest() -> None:
    def one(n: int, last: float | None, added: float = -10_000, *, is_blocked: bool = False) -> RuleAccount:
        state = WITHHELD_IN if is_blocked else AVAILABLE
        read = None if last is None else minutes(last)
        return RuleAccount(AccountId(n), X, minutes(added), state, is_blocked, read)

    found = [
        one(1, 1439),
        one(2, 1300, is_blocked=True),
        one(3, -5),
        one(4, None),
        one(5, None, added=1430),
        one(6, 1440, is_blocked=True),
    ]
    platforms, states, blocked_late = looked(found, T0, T0 + DAY, 45 * MINUTE)
    assert platforms == (DigestPlatform(X, watched=6, read=3, late=3),)
    assert [(s.words, s.number) for s in states] == [("withheld in India (IN)", 2), ("available", 4)]
    assert blocked_late == 1


@pytest.mark.parametrize(
    ("late", "more"),
    [
        (0, ""),
        (5, " At the end, 5 had not been read for 45 min or longer; their last known status is counted."),
    ],
)
def test_the_head_of_a_digest_says_of_how_many_its_figures_are_older(late: int, more: str) -> None:
    look = replace(ALL_READ, platforms=(DigestPlatform(X, 1178, 1178, late),))
    text = mail_of(a_digest(blocked(3)), look).text_body
    assert f"\n1,178 of 1,178 watched accounts were read in this time.{more}\n" in text


def test_the_difference_is_counted_over_all_changes_and_told_by_cohort() -> None:
    alerts = [
        *blocked(5),
        an_alert(9, a_change(0, AVAILABLE, WITHHELD_IN, at=minutes(9)), minutes(10), ORDER),
    ]
    due = a_digest(alerts)
    (part,) = parts_of(due, due.recipients[0])
    standing = ListStatus(257, ((X, AVAILABLE, 253), (X, WITHHELD_IN, 4)))
    told = DigestContent(due, (DigestCohort(part.whole, part.told, standing),), ALL_READ)
    text = compose(told, HEAD, due.recipients[0]).text_body
    assert "Withheld in India (IN): 4 of 257 named accounts, 4 more in this email" in text
    assert "Available: 253 of 257 named accounts, 4 fewer in this email" in text
    assert "1 account changed in more than one way and is counted under each." in text


def test_a_part_that_goes_on_with_a_story_is_told_like_any_other() -> None:
    due = a_round_up(blocked(2))
    story = AlertThread("key", 1, ORDER.list_id, AT_ONCE.recipients, (SentWave(T0, T0, {"block": 9}),))
    going_on = replace(due, parts=(replace(due.parts[0], story=story),))
    assert mail_of(going_on).subject == mail_of(due).subject
