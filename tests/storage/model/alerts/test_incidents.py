"""What people may do with an incident, and which state follows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.model.alerts.incidents import (
    NONE,
    AccountsBack,
    Assignee,
    HandoverNote,
    IncidentClosing,
    IncidentEdit,
    IncidentFault,
    IncidentWork,
    act_words,
    decide_edit,
)
from tests.support.samples.readings import T0

ANNA, BEN = Assignee(1, "anna"), Assignee(2, "ben")
NEW = IncidentWork(7, "key", 3, wave=2)
TAKEN = replace(NEW, owner=ANNA, owned_since=T0)
TAKEN_UP = replace(NEW, acknowledged_wave=2, acknowledged_by="anna", acknowledged_at=T0)
CLOSED = replace(NEW, closing=IncidentClosing(T0, "anna", "done", 2))
BACK = AccountsBack(2, 2, is_resolved=True, at=T0)
LATER = T0 + timedelta(hours=1)


@pytest.mark.parametrize(
    ("work", "waits"),
    [
        (NEW, True),
        (TAKEN, False),
        (replace(NEW, owner=replace(ANNA, may_log_in=False)), True),
        (TAKEN_UP, False),
        (CLOSED, False),
        (replace(NEW, accounts=BACK), False),
    ],
)
def test_an_incident_waits_until_somebody_who_may_log_in_has_it(work: IncidentWork, waits: bool) -> None:
    assert work.is_waiting is waits


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
