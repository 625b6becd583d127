"""To whom the end of a change is owed beside those whom rules reach, and why no rule reaches them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.alerting.policy import NotificationHistory, NotificationPlan, decide
from jobs.alerting.replies import ReplyReason
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, LastWord
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Digest, Match, Mute, StoredRule
from storage.model.core.reachability import UnreachablePeriod
from tests.support.samples.alerts import ORDER, a_change, a_rule, an_alert, owed_to, past
from tests.support.samples.readings import T0, minutes

DESK, LAW, GONE = "desk@example.org", "law@example.org", "gone@example.org"
RULE = AlertRule((DESK,))
SEEN = owed_to(AlertStage.PROVISIONAL)
OFF = Match(lists=frozenset({"Others"}))
EVERYTHING = Mute(7, None, None, T0, None, "", "ada")


def an_end(
    number: int = 1, owed: Mapping[str, LastWord] = SEEN, stage: AlertStage = AlertStage.CONFIRMED
) -> AlertRow:
    change = a_change(number, at=minutes(1))
    return replace(an_alert(number, change, minutes(5), ORDER), stage=stage, owed=owed)


def planned(
    rule: StoredRule, *alerts: AlertRow, muted: bool = False, at: float = 9, flaps: bool = False
) -> NotificationPlan:
    before = [past(a) for a in alerts]
    if flaps:
        before += [replace(p, created_at=p.created_at - timedelta(days=1)) for p in before] * 4
    return decide(alerts, [rule], [EVERYTHING] if muted else [], NotificationHistory(before), minutes(at))


@pytest.mark.parametrize(
    ("rule", "muted", "reason"),
    [
        pytest.param(a_rule(RULE, enabled=False), False, ReplyReason.RULE_OFF, id="the rule is off"),
        pytest.param(a_rule(replace(RULE, recipients=(LAW,))), False, ReplyReason.RECIPIENT_LEFT, id="left"),
        pytest.param(a_rule(replace(RULE, match=OFF)), False, ReplyReason.NOT_MATCHED, id="edited"),
        pytest.param(a_rule(RULE), True, ReplyReason.MUTED, id="muted"),
        pytest.param(a_rule(replace(RULE, digest=Digest.DAILY)), False, ReplyReason.GATHERED, id="gathered"),
    ],
)
def test_a_recipient_whom_no_rule_notifies_of_the_end_gets_a_reply_that_says_why(
    rule: StoredRule, muted: bool, reason: ReplyReason
) -> None:
    (reply,) = planned(rule, an_end(), muted=muted).replies
    assert (reply.recipients, reply.reasons) == ((DESK,), {reason})


@pytest.mark.parametrize("digest", [Digest.NONE, Digest.DAILY])
def test_the_confirmation_of_what_was_sent_is_a_reply_while_the_platform_is_unreachable(
    digest: Digest,
) -> None:
    rule = a_rule(replace(RULE, not_if_unreachable=True, digest=digest))
    period, alert = UnreachablePeriod(X, "IN", T0, None), an_end()
    found = decide([alert], [rule], [], NotificationHistory([past(alert)]), minutes(9), [period])
    assert [(r.recipients, r.reasons) for r in found.replies] == [((DESK,), {ReplyReason.UNREACHABLE})]
    assert (found.waves, found.silent) == ((), {})


def test_a_reply_waits_for_the_end_of_quiet_hours_and_keeps_its_alert_until_then() -> None:
    asleep = a_rule(replace(RULE, quiet=QuietHours(time(0), time(6))), enabled=False)
    found = planned(asleep, an_end())
    assert found.replies == ()
    assert [(key, k.decision, k.until) for key, k in found.kept.items()] == [
        ((1, 1), AlertDecision.QUIET, minutes(360))
    ]
    assert len(planned(asleep, an_end(), at=360).replies) == 1


def test_a_reply_reaches_a_former_recipient_before_the_rule_notifies_the_others() -> None:
    daily = a_rule(replace(RULE, recipients=(LAW,), digest=Digest.DAILY))
    found = planned(daily, an_end())
    (reply,) = found.replies
    assert (reply.recipients, reply.undecided) == ((DESK,), ())
    assert found.kept[1, 1].decision is AlertDecision.DIGEST


WORDS = st.builds(
    LastWord,
    st.sampled_from(AlertStage),
    st.just(1),
    st.just(frozenset({1})),
)
RULES = st.builds(
    a_rule,
    st.builds(
        AlertRule,
        recipients=st.sampled_from([(), (DESK,), (LAW,), (LAW, DESK), (GONE, DESK)]),
        match=st.sampled_from([Match(), OFF]),
        quiet=st.sampled_from([None, QuietHours(time(0), time(6))]),
        flapping_changes=st.sampled_from([2, 4]),
    ),
    enabled=st.booleans(),
)


@given(
    RULES,
    st.lists(
        st.tuples(st.sampled_from(AlertStage), st.dictionaries(st.sampled_from([DESK, LAW, GONE]), WORDS)),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
    st.booleans(),
)
def test_every_outcome_reaches_each_recipient_who_is_owed_it_once(
    rule: StoredRule, ends: list[tuple[AlertStage, dict[str, LastWord]]], muted: bool, flaps: bool
) -> None:
    alerts = [
        an_end(n, {r: word for r, word in owed.items() if word.asks_for(stage)}, stage)
        for n, (stage, owed) in enumerate(ends)
    ]
    found = planned(rule, *alerts, muted=muted, flaps=flaps, at=360)
    told = [
        (alert.alert_id, recipient)
        for mail in (*found.waves, *found.replies)
        for alert in mail.alerts
        for recipient in mail.recipients
    ]
    owed = {(a.alert_id, r) for a in alerts for r in a.owed}
    assert owed <= set(told)
    assert len(told) == len(set(told))
