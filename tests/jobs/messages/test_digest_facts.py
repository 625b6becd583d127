"""What a digest and a round-up say: counts first, what was looked at, and never more than was seen."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup, DigestDue
from jobs.messages.compose import Letterhead
from jobs.messages.digest_compose import compose
from jobs.messages.digest_facts import (
    DigestContent,
    DigestCoverage,
    DigestPlatform,
    QuietCohorts,
    parts_of,
)
from storage.model.alerts.alerts import (
    AlertRow,
    AlertStage,
    Cohort,
    MailDraft,
    OrderRef,
)
from storage.model.alerts.rules import AlertRule, Digest, RuleId, StoredRule
from storage.model.core.accounts import ListId
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
