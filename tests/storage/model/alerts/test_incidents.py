"""What people may do with an incident, and which state follows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.alerting.matching import match_rules
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, Cohort, MailKind
from storage.model.alerts.incidents import (
    NONE,
    Assignee,
    HandoverNote,
    IncidentClosing,
    IncidentEdit,
    IncidentFault,
    IncidentWork,
    act_words,
    decide_edit,
)
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.alerts.silenced_rules import silenced_by
from storage.model.alerts.waiting_mails import WaitingMail, pointless
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.labels import LabelStep
from storage.model.core.reachability import UnreachablePeriod
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert
from tests.support.samples.readings import T0

ANNA, BEN = Assignee(1, "anna"), Assignee(2, "ben")
NEW = IncidentWork(7, "key", 3, wave=2)
TAKEN = replace(NEW, owner=ANNA, owned_since=T0)
TAKEN_UP = replace(NEW, acknowledged_wave=2, acknowledged_by="anna", acknowledged_at=T0)
CLOSED = replace(NEW, closing=IncidentClosing(T0, "anna", "done", 2))
LATER = T0 + timedelta(hours=1)


@pytest.mark.parametrize(
    ("was", "edit", "after", "words"),
    [
        pytest.param(
            NEW,
            IncidentEdit(owner=BEN),
            replace(NEW, owner=BEN, owned_since=LATER, revision=4),
            ["assigned it to ben"],
            id="given to somebody",
        ),
        pytest.param(
            TAKEN,
            IncidentEdit(owner=BEN),
            replace(TAKEN, owner=BEN, owned_since=LATER, revision=4),
            ["assigned it to ben; anna had it before"],
            id="handed over",
        ),
        pytest.param(TAKEN, IncidentEdit(owner=ANNA), TAKEN, [], id="she has it already"),
        pytest.param(
            TAKEN,
            IncidentEdit(owner=NONE),
            replace(NEW, revision=4),
            ["unassigned it; anna had it before"],
            id="taken away",
        ),
        pytest.param(NEW, IncidentEdit(owner=NONE), NEW, [], id="nobody has it already"),
        pytest.param(
            NEW,
            IncidentEdit(owner=BEN, due_at=LATER + timedelta(hours=1), note="  call\nthe  court "),
            replace(
                NEW,
                owner=BEN,
                owned_since=LATER,
                due_at=LATER + timedelta(hours=1),
                note=HandoverNote("call the court", LATER, "anna"),
                revision=4,
            ),
            [
                "assigned it to ben",
                "set the due time to 1 Feb 2021, 02:00 UTC",
                "wrote a note: “call the court”",
            ],
            id="all at once is one revision",
        ),
        pytest.param(
            replace(NEW, due_at=LATER),
            IncidentEdit(due_at=NONE),
            replace(NEW, revision=4),
            ["removed the due time"],
            id="no longer due",
        ),
        pytest.param(
            NEW,
            IncidentEdit(close="a test"),
            replace(NEW, closing=IncidentClosing(LATER, "anna", "a test", 2), revision=4),
            ["closed it: “a test”"],
            id="closed",
        ),
        pytest.param(
            replace(CLOSED, wave=3),
            IncidentEdit(close="again"),
            replace(CLOSED, wave=3, closing=IncidentClosing(LATER, "anna", "again", 3), revision=4),
            ["closed it: “again”"],
            id="closed again after a later group",
        ),
        pytest.param(
            CLOSED,
            IncidentEdit(reopen=True, owner=BEN),
            replace(NEW, owner=BEN, owned_since=LATER, revision=4),
            ["reopened it", "assigned it to ben"],
            id="reopened and given to somebody",
        ),
        pytest.param(
            CLOSED,
            IncidentEdit(note="for the record"),
            replace(CLOSED, note=HandoverNote("for the record", LATER, "anna"), revision=4),
            ["wrote a note: “for the record”"],
            id="a note about a closed one",
        ),
        pytest.param(TAKEN_UP, IncidentEdit(acknowledge=""), TAKEN_UP, [], id="acknowledged before"),
    ],
)
def test_what_an_edit_makes_of_an_incident(
    was: IncidentWork, edit: IncidentEdit, after: IncidentWork, words: list[str]
) -> None:
    decided = decide_edit(was, edit, "anna", LATER)
    assert decided.after == after
    assert [act_words(*act) for act in decided.acts] == words


@pytest.mark.parametrize(
    ("was", "edit", "sentence"),
    [
        (NEW, IncidentEdit(close=" "), "The reason is empty."),
        (NEW, IncidentEdit(note=""), "The note is empty."),
        (NEW, IncidentEdit(note="x" * 2001), "The note has 2,001 characters; the limit is 2,000."),
        (NEW, IncidentEdit(reopen=True), "The incident is not closed."),
        (CLOSED, IncidentEdit(close="again"), "The incident is already closed."),
        (CLOSED, IncidentEdit(owner=BEN), "The incident is closed. Reopen it first."),
        (CLOSED, IncidentEdit(reopen=True, close="x"), "Close the incident or reopen it, not both."),
        (NEW, IncidentEdit(due_at=T0), f"The due time {T0:%Y-%m-%d %H:%M} UTC is in the past."),
        (
            NEW,
            IncidentEdit(owner=replace(BEN, may_log_in=False)),
            "ben is disabled and cannot log in.",
        ),
        (
            NEW,
            IncidentEdit(owner=replace(BEN, may_work=False)),
            "ben is a viewer. Incidents are assigned to analysts and admins.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    was: IncidentWork, edit: IncidentEdit, sentence: str
) -> None:
    with pytest.raises(IncidentFault) as refused:
        decide_edit(was, edit, "anna", LATER)
    assert str(refused.value) == sentence


PEOPLE = ("a@x.example", "b@x.example")
LISTS = [ORDER.name, REPORTERS.name, "nowhere"]


def sets(of: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(of), max_size=2)


MATCHES = st.builds(
    Match,
    lists=sets(LISTS),
    targets=st.frozensets(st.sampled_from(TargetKind)),
    platforms=st.sampled_from([frozenset(), frozenset({X})]),
    countries=sets(["IN", "TR"]),
    kinds=st.frozensets(st.sampled_from([ChangeKind.BLOCK, ChangeKind.RESTORATION]), min_size=1),
    tags=sets(["press", "desk"]),
    min_followers=st.sampled_from([None, 0, 5, 50]),
    executives=st.booleans(),
    provisional=st.booleans(),
)
RULES = st.lists(
    st.tuples(
        st.builds(
            AlertRule,
            recipients=st.sampled_from([PEOPLE[:1], PEOPLE[1:], PEOPLE]),
            match=MATCHES,
            digest=st.sampled_from([Digest.NONE, Digest.NONE, Digest.DAILY]),
            not_if_unreachable=st.booleans(),
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def alert_of(
    stage: AlertStage,
    cohorts: tuple[Cohort, ...],
    tags: frozenset[str],
    followers: int | None,
    *,
    chief: bool,
    is_post: bool,
) -> AlertRow:
    row = an_alert(1, a_change(1, is_post=is_post), T0, *cohorts)
    return replace(row, stage=stage, tags=tags, followers=followers, is_executive=chief)


ALERTS = st.builds(
    alert_of,
    st.sampled_from([AlertStage.PROVISIONAL, AlertStage.CONFIRMED]),
    st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]),
    sets(["press", "desk"]),
    st.sampled_from([None, 0, 7, 70]),
    chief=st.booleans(),
    is_post=st.booleans(),
)


UNREACHABLE = UnreachablePeriod(X, "IN", T0, None)


@given(RULES, st.lists(ALERTS, min_size=1, max_size=8), st.sampled_from([(), (UNREACHABLE,)]))
def test_a_rule_that_is_called_silenced_notifies_nobody_of_any_change(
    rules: list[tuple[AlertRule, bool]], alerts: list[AlertRow], unreachable: tuple[UnreachablePeriod, ...]
) -> None:
    stored = [a_rule(replace(rule, name=f"r{n}"), n, enabled=on) for n, (rule, on) in enumerate(rules)]
    for one in stored:
        if not silenced_by(one, stored):
            continue
        for alert in alerts:
            for found in match_rules(alert, stored, (), unreachable):
                if found.stored.rule_id == one.rule_id:
                    assert found.silence in {AlertDecision.DUPLICATE, AlertDecision.UNREACHABLE}


def named(*rules: AlertRule) -> list[str]:
    """The rules that silence the last one."""
    stored = [a_rule(replace(rule, name=f"r{n}"), n) for n, rule in enumerate(rules)]
    return [one.rule.name for one in silenced_by(stored[-1], stored)]


def test_a_rule_is_silenced_by_wider_ones_before_it_that_reach_all_its_recipients() -> None:
    desk, both = AlertRule(PEOPLE[:1]), AlertRule(PEOPLE)
    on_list = AlertRule(PEOPLE, match=Match(lists=frozenset({"india"})))
    assert named(both, on_list) == ["r0"]
    assert named(desk, on_list) == [], "the second recipient is notified by it alone"
    assert named(desk, AlertRule(PEOPLE[1:]), on_list) == ["r0", "r1"], "two rules together"
    assert named(on_list, both) == [], "a wider rule notifies of more"
    assert named(replace(both, digest=Digest.DAILY), on_list) == [], "a digest comes later"
    assert named(both, replace(on_list, digest=Digest.DAILY)) == [], "a digest repeats what was sent"
    waits = replace(both, not_if_unreachable=True)
    assert named(waits, on_list) == [], "it sends what the first one does not"
    assert named(waits, replace(on_list, not_if_unreachable=True)) == ["r0"], "both are silent then"
    assert named(both, replace(on_list, not_if_unreachable=True)) == ["r0"], "the first one sends it"
    early = AlertRule(PEOPLE, match=Match(provisional=True))
    assert named(both, early) == [], "it speaks at the first sight"
    for more in (AlertRule(PEOPLE, engagement=True), AlertRule(PEOPLE, labels=frozenset(LabelStep)),
                 AlertRule(PEOPLE, networks=True)):  # fmt: skip
        only = replace(more, match=Match(kinds=frozenset()))
        assert named(both, only) == [], "every rule that asks for what is no change gets it"


def a_wave(number: int, *accounts: int) -> WaitingMail:
    return WaitingMail(
        number,
        f"<{number}@b>",
        MailKind.WAVE,
        number,
        number,
        (number,),
        frozenset(accounts),
        False,
        False,
        False,
    )


def a_nudge(number: int, kind: MailKind = MailKind.REMINDER) -> WaitingMail:
    return replace(a_wave(number), kind=kind, alert_ids=())


@pytest.mark.parametrize(
    ("line", "merged"),
    [
        pytest.param([a_wave(1, 1), a_wave(2, 1)], [1, 2], id="the same account"),
        pytest.param([a_wave(1, 1), a_wave(2, 1, 2)], [1, 2], id="the newer one tells of more"),
        pytest.param([a_wave(1, 1, 2), a_wave(2, 1)], [], id="the older one tells of more"),
        pytest.param([a_wave(1, 1)], [], id="one alone"),
        pytest.param(
            [a_wave(1, 1, 2), a_wave(2, 1), a_wave(3, 1)], [2, 3], id="back to one that tells of more"
        ),
        pytest.param(
            [a_wave(1, 1), a_wave(2, 2), a_wave(3, 1)], [], id="nothing overtakes what lies between"
        ),
        pytest.param([a_wave(1, 1), a_wave(2, 2), a_wave(3, 1, 2)], [1, 2, 3], id="all before it"),
        pytest.param(
            [replace(a_wave(1, 1), is_uncertain=True), a_wave(2, 1), a_wave(3, 1)],
            [2, 3],
            id="the first may have been accepted",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(2, 1), is_uncertain=True)],
            [],
            id="the newest may have been accepted",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(3, 1), follows_round_up=True)],
            [],
            id="a round-up told more in between",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(2, 1), is_overtaken=True)],
            [],
            id="another story knows something newer",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(2), kind=MailKind.REPLY), a_wave(3, 1)],
            [],
            id="a reply answered it",
        ),
        pytest.param([a_wave(1, 1), a_nudge(2), a_wave(3, 1)], [1, 2, 3], id="its reminder goes with it"),
        pytest.param(
            [a_wave(1, 1), a_wave(2, 1), a_nudge(3, MailKind.ESCALATION)], [1, 2, 3], id="also a later one"
        ),
        pytest.param(
            [a_nudge(1), a_wave(2, 1), a_wave(3, 1)], [2, 3], id="a reminder of what was sent stays"
        ),
        pytest.param([a_wave(1, 1, 2), a_nudge(2), a_wave(3, 1)], [], id="a reminder alone is not dropped"),
        pytest.param([a_nudge(1), a_nudge(2)], [], id="no wave"),
    ],
)
def test_what_is_merged(line: list[WaitingMail], merged: list[int]) -> None:
    assert [mail.mail_id for mail in pointless(line)] == merged
