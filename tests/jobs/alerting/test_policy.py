"""What becomes of every alert under every rule: the rules of `jobs.alerting.policy` as sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.alerting.policy import NotificationHistory, NotificationPlan, after, decide
from jobs.alerting.replies import ReplyReason
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, AlertThread, LastWord, PastAlert
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import (
    AlertRule,
    Digest,
    EscalationStep,
    Match,
    Mute,
    StoredRule,
)
from storage.model.core.reachability import UnreachablePeriod
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to, past
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    minutes,
)

RULE = AlertRule(("desk@example.org",))
DAY = timedelta(days=1)
MUCH_LATER = 100_000


def plan(alerts: Sequence[AlertRow], rule: AlertRule = RULE, at: float = MUCH_LATER) -> NotificationPlan:
    return decide(alerts, [a_rule(rule)], [], NotificationHistory([past(a) for a in alerts]), minutes(at))


def silent(found: NotificationPlan) -> dict[int, AlertDecision]:
    return {alert_id: s.decision for (alert_id, _), s in found.silent.items()}


def blocks(*confirmed_at: float) -> list[AlertRow]:
    """One account of the order after the other, each confirmed as blocked at its minute."""
    return [
        an_alert(i, a_change(i, at=minutes(at - 1)), minutes(at), ORDER) for i, at in enumerate(confirmed_at)
    ]


def back_and_forth(*confirmed_at: float, account: int = 1, first_id: int = 0) -> list[AlertRow]:
    states = [(AVAILABLE, SUSPENDED), (SUSPENDED, AVAILABLE)]
    return [
        an_alert(
            first_id + i,
            a_change(account, new=states[i % 2][1], old=states[i % 2][0], at=minutes(at - 1)),
            minutes(at),
            REPORTERS,
        )
        for i, at in enumerate(confirmed_at)
    ]


def test_flapping_that_continues_is_reported_again_after_the_period() -> None:
    found = plan(back_and_forth(*[n * 1440.0 for n in range(12)]))
    assert (
        sum(len(w.flaps) for w in found.waves) + sum(len(p.flaps) for d in found.digests for p in d.parts)
        == 2
    )
    assert len(found.silent) == 12 - 5


DAILY = replace(RULE, digest=Digest.DAILY)


def test_a_daily_digest_gathers_everything_until_its_hour() -> None:
    alerts = blocks(0, 30, 479, 481)
    assert {k.decision for k in plan(alerts[:3], DAILY, at=479).kept.values()} == {AlertDecision.DIGEST}
    found = plan(alerts, DAILY, at=481)
    (due,) = found.digests
    assert (due.since, due.until) == (T0, minutes(480))
    assert [a.alert_id for a in due.alerts] == [0, 1, 2]
    assert found.kept[3, 1].until == minutes(480) + DAY
    assert not found.waves


def test_a_digest_is_due_even_without_changes_and_once_for_all_missed_days() -> None:
    (due,) = decide([], [a_rule(DAILY)], [], NotificationHistory(), T0 + 5 * DAY).digests
    assert (due.since, due.until, due.alerts) == (T0, minutes(480) + 4 * DAY, ())


BOTH = AlertRule(
    ("desk@example.org", "law@example.org"),
    name="both",
    quiet=QuietHours(time(22), time(6)),
    zone="Europe/Berlin",
)


@given(st.data())
def test_a_notifier_that_was_down_writes_the_same_emails_as_one_that_always_ran(
    data: st.DataObject,
) -> None:
    """Whatever the order of rows, and however often somebody looks while they arrive."""
    alerts = data.draw(stories())
    rules = [a_rule(replace(RULE, match=Match(lists=frozenset({"Reporters"})))), a_rule(BOTH, 2)]
    away = carried_out(alerts, rules, [minutes(MUCH_LATER)], data)
    looks = sorted(data.draw(st.lists(st.integers(0, 40_000), max_size=30)))
    assert carried_out(alerts, rules, [*(minutes(m) for m in looks), minutes(MUCH_LATER)], data) == away


def carried_out(
    alerts: Sequence[AlertRow], rules: Sequence[StoredRule], looks: Sequence[datetime], data: st.DataObject
) -> set[object]:
    """Everything that was told or silenced, by one who looks at these times."""
    said: dict[int, dict[int, AlertDecision]] = {a.alert_id: {} for a in alerts}
    closed: set[int] = set()
    told: list[AlertThread] = []
    found: set[object] = set()
    for now in looks:
        seen = data.draw(st.permutations([a for a in alerts if a.created_at <= now]))
        open_ones = [replace(a, done=frozenset(said[a.alert_id])) for a in seen if a.alert_id not in closed]
        past_alerts = [PastAlert(a.created_at, a.change, dict(said[a.alert_id])) for a in seen]
        made = decide(open_ones, rules, [], NotificationHistory(past_alerts, told), now)
        assert made.next_at is None or made.next_at > now
        parts = [*made.waves, *(p for d in made.digests for p in d.parts)]
        for wave in sorted(parts, key=lambda w: w.closed_at):
            found.add(
                (wave.stored.rule_id, wave.recipients, wave.closed_at, tuple(a.alert_id for a in wave.alerts))
            )
            key = wave.cohort.list_id if wave.cohort else None
            thread = (wave.stored.rule_id, key)
            is_round_up = any(wave in d.parts for d in made.digests)
            if not is_round_up or wave.story is not None:
                told = [s for s in told if (s.rule_id, s.list_id) != thread]
                told.append(replace(after(wave), rule_id=thread[0], list_id=thread[1]))
            for a in wave.alerts:
                said[a.alert_id][wave.stored.rule_id] = AlertDecision.MAILED
        for (alert_id, rule_id), silence in made.silent.items():
            found.add((rule_id, alert_id, silence.decision))
            if rule_id is not None:
                said[alert_id][rule_id] = silence.decision
        kept = {alert_id for alert_id, _ in made.kept}
        closed |= {a.alert_id for a in open_ones if a.alert_id not in kept}
    return found


@st.composite
def stories(draw: st.DrawFn) -> list[AlertRow]:
    """Accounts of several cohorts that go back and forth at any times."""
    alerts: list[AlertRow] = []
    for account in range(draw(st.integers(1, 4))):
        cohorts = draw(st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]))
        gaps = draw(st.lists(st.sampled_from([1, 2, 3, 17, 61, 1439, 2000, 9000]), min_size=1, max_size=9))
        at, states = (
            draw(st.integers(0, 30)),
            [AVAILABLE, draw(st.sampled_from([SUSPENDED, WITHHELD_IN, NOT_FOUND]))],
        )
        for i, gap in enumerate(gaps):
            change = a_change(account, states[(i + 1) % 2], states[i % 2], at=minutes(at))
            alerts.append(an_alert(len(alerts), change, minutes(at) + MINUTE, *cohorts))
            at += gap
    return [a for a in alerts if a.created_at <= minutes(40_000)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "India"}, "not a time zone"),
        ({"recipients": ("a@b.org, c@d.org",)}, "plain mail address"),
        ({"recipients": ("a@b.org\nBcc: x@y.org",)}, "plain mail address"),
        ({"recipients": ("slack:newsroom",)}, "apprise:newsroom"),
        ({"settle": 0 * MINUTE}, "longer than zero"),
        ({"update_after": timedelta(0)}, "longer than zero"),
        ({"flapping_changes": 1}, "must be from 2 to"),
        ({"name": "two\nlines"}, "printable"),
        ({"escalation": (EscalationStep(5 * MINUTE, ()),)}, "step 1 of escalation names nobody"),
        ({"escalation": (EscalationStep(6000 * MINUTE, ("a@b.org",)),)}, "between a minute and 3 days"),
        (
            {
                "escalation": (
                    EscalationStep(60 * MINUTE, ("a@b.org",)),
                    EscalationStep(60 * MINUTE, ("b@b.org",)),
                )
            },
            "step 2 of escalation must come later than the step before it",
        ),
        (
            {"escalation": (EscalationStep(60 * MINUTE, ("nobody",)),)},
            "'nobody' is neither a plain mail address",
        ),
        ({"remind_every": timedelta(seconds=5)}, "at least a minute"),
        ({"match": Match(countries=frozenset({"India"}))}, "country code"),
        ({"quiet": QuietHours(time(7), time(7))}, "same time"),
    ],
)
def test_an_invalid_rule_is_refused_with_a_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(RULE, **wrong)


DESK, LAW, GONE = "desk@example.org", "law@example.org", "gone@example.org"
REPLIES_RULE = AlertRule((DESK,))
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
        pytest.param(a_rule(REPLIES_RULE, enabled=False), False, ReplyReason.RULE_OFF, id="the rule is off"),
        pytest.param(
            a_rule(replace(REPLIES_RULE, recipients=(LAW,))), False, ReplyReason.RECIPIENT_LEFT, id="left"
        ),
        pytest.param(a_rule(replace(REPLIES_RULE, match=OFF)), False, ReplyReason.NOT_MATCHED, id="edited"),
        pytest.param(a_rule(REPLIES_RULE), True, ReplyReason.MUTED, id="muted"),
        pytest.param(
            a_rule(replace(REPLIES_RULE, digest=Digest.DAILY)), False, ReplyReason.GATHERED, id="gathered"
        ),
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
    rule = a_rule(replace(REPLIES_RULE, not_if_unreachable=True, digest=digest))
    period, alert = UnreachablePeriod(X, "IN", T0, None), an_end()
    found = decide([alert], [rule], [], NotificationHistory([past(alert)]), minutes(9), [period])
    assert [(r.recipients, r.reasons) for r in found.replies] == [((DESK,), {ReplyReason.UNREACHABLE})]
    assert (found.waves, found.silent) == ((), {})


def test_a_reply_waits_for_the_end_of_quiet_hours_and_keeps_its_alert_until_then() -> None:
    asleep = a_rule(replace(REPLIES_RULE, quiet=QuietHours(time(0), time(6))), enabled=False)
    found = planned(asleep, an_end())
    assert found.replies == ()
    assert [(key, k.decision, k.until) for key, k in found.kept.items()] == [
        ((1, 1), AlertDecision.QUIET, minutes(360))
    ]
    assert len(planned(asleep, an_end(), at=360).replies) == 1


def test_a_reply_reaches_a_former_recipient_before_the_rule_notifies_the_others() -> None:
    daily = a_rule(replace(REPLIES_RULE, recipients=(LAW,), digest=Digest.DAILY))
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
