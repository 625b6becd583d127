"""The work on incidents from the command line, through the real entry on a real database."""

import pytest

from storage.model.core.people import Role
from storage.postgres.pool import Pool
from tests.support.clients.command_line import Blockline
from tests.support.samples.readings import T0
from tests.support.seeds.people import a_person
from tests.support.seeds.sent_alerts import on, told


def an_incident_and_people(dsn: str) -> None:
    async def add(pool: Pool) -> None:
        await told(pool)
        await a_person(pool, "anna", Role.ANALYST, T0)
        await a_person(pool, "vera", Role.VIEWER, T0)

    on(dsn, add)


def test_an_incident_is_assigned_noted_closed_and_reopened(run: Blockline, dsn: str) -> None:
    an_incident_and_people(dsn)
    (first, *_) = run("incidents", "list", "--unassigned", "--json").json["incidents"]
    key = first["incident"]
    assert run("incidents", "assign", key[:8], "anna").said == [f"{key[:12]}: anna has it."]
    assert run("incidents", "due", key[:8], "6h").said[0].startswith(f"{key[:12]} is due on ")
    assert run("incidents", "due", key[:8], "none").said == [f"{key[:12]} has no due time."]
    assert run("incidents", "due", key[:8], "2001-01-01").err.strip().endswith("UTC is in the past.")
    wrong = "TIME: 'soon' is not a time; write it like 2021-02-01T06:30:00Z."
    assert run("incidents", "due", key[:8], "soon").err.strip() == wrong
    assert run("incidents", "note", key[:8], "call the court").code == 0
    (mine,) = run("incidents", "list", "--assigned-to", "anna", "--json").json["incidents"]
    assert (mine["incident"], mine["note"]) == (key, "call the court")
    assert run("incidents", "close", key[:8], "a test").said == [f"{key[:12]} is closed."]
    assert run("incidents", "list", "--assigned-to", "anna", "--json").json["incidents"] == []
    (closed,) = run("incidents", "list", "--closed", "--json").json["incidents"]
    assert (closed["incident"], closed["state"]) == (key, "closed")
    assert run("incidents", "assign", key[:8]).err.strip().endswith("Reopen it first.")
    assert run("incidents", "reopen", key[:8]).said == [f"{key[:12]} is open."]
    assert run("incidents", "assign", key[:8]).said == [f"{key[:12]}: nobody has it."]
    log = run("alerts", "log", "--json").json["log"]
    assert [act["action"] for act in log if act["subject"] == f"story {key[:12]}"] == [
        "incident unassigned",
        "incident reopened",
        "incident closed",
        "incident note added",
        "incident due time set",
        "incident due time set",
        "incident assigned",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("assign", "vera"), "vera is a viewer. Incidents are assigned to analysts and admins."),
        (("assign", "nobody"), "There is no user called 'nobody'."),
        (("close", " "), "The reason is empty."),
        (("reopen",), "The incident is not closed."),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    run: Blockline, dsn: str, arguments: tuple[str, ...], sentence: str
) -> None:
    an_incident_and_people(dsn)
    (first, *_) = run("incidents", "list", "--json").json["incidents"]
    command, *rest = arguments
    refused = run("incidents", command, first["incident"], *rest)
    assert (refused.code, sentence in refused.err) == (1, True), refused.err


def test_a_command_says_what_each_rule_would_do_with_an_incident(run: Blockline, dsn: str) -> None:
    an_incident_and_people(dsn)
    (first, *_) = run("incidents", "list", "--json").json["incidents"]
    key = first["incident"]
    found = run("incidents", "rules", key[:8], "--json").json
    ran = run("incidents", "rules", key[:8])
    assert ran.said[0].startswith(f"Group {found['group']} of the incident")
    assert [line for line in ran.said if line.startswith("Rule ")] == [
        f"Rule {one['rule']} would notify {', '.join(one['recipients']) if one['matches'] else 'nobody'}."
        for one in found["rules"]
    ]
