"""`blockline incidents`: who works on which incident, from the command line."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from jobs.base.errors import CommandError
from jobs.base.output import OutputTable, moment, show, show_json
from jobs.cli.alerts_actions import find_thread
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples, moment_of
from jobs.config.database import with_conn
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.notify.group_explanation import explain_incident
from storage.alerts.incidents import (
    IncidentFilter,
    IncidentLine,
    assignee_called,
    edit_incident,
    incident_lines,
)
from storage.model.alerts.group_explanation import (
    GroupExplanation,
    decided_words,
    group_words,
    match_outcome_words,
    would_notify_words,
)
from storage.model.alerts.incidents import NONE, IncidentEdit, IncidentFault, IncidentWork
from storage.model.text.states import clean
from storage.model.text.units import parse_duration
from storage.postgres.pool import Conn

Incident = Annotated[
    str, typer.Argument(metavar="INCIDENT", help="Its key or the start of it (see `incidents list`).")
]


def register(app: typer.Typer) -> None:
    """Add these commands to `blockline`."""
    incidents = typer.Typer(no_args_is_help=True, epilog=examples("blockline incidents list"))
    incidents.command("list", epilog=examples("blockline incidents list --assigned-to anna"))(list_command)
    incidents.command(
        "assign", epilog=examples("blockline incidents assign 3f2a anna", "blockline incidents assign 3f2a")
    )(assign_command)
    incidents.command(
        "due", epilog=examples("blockline incidents due 3f2a 6h", "blockline incidents due 3f2a none")
    )(due_command)
    incidents.command("note", epilog=examples('blockline incidents note 3f2a "call the court"'))(note_command)
    incidents.command("close", epilog=examples('blockline incidents close 3f2a "a test"'))(close_command)
    incidents.command("reopen", epilog=examples("blockline incidents reopen 3f2a"))(reopen_command)
    incidents.command("rules", epilog=examples("blockline incidents rules 3f2a"))(rules_command)
    app.add_typer(incidents, name="incidents")


def rules_command(incident: Incident, *, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Show what each rule would do with the newest group, and why.

    The output also has what each rule decided then.
    """

    async def read(conn: Conn) -> GroupExplanation | None:
        return await explain_incident(conn, await find_thread(conn, incident))

    found = with_conn(load_settings(config), read)
    if found is None:
        raise CommandError("No group of this incident was sent yet.")
    if as_json:
        show_json(asdict(found))
        return
    show(group_words(found))
    for one in found.rules:
        show(f"Rule {clean(one.rule, 80)} would notify {would_notify_words(one)}.")
        for line in match_outcome_words(one):
            show(f"  {line}.")
        for line in decided_words(one):
            show(f"  Then: {line}.")


def list_command(
    *,
    person: Annotated[
        str | None, typer.Option("--assigned-to", metavar="LOGIN", help="Only what this person has.")
    ] = None,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only what nobody has.")] = False,
    over: Annotated[
        bool, typer.Option("--closed", help="Closed and resolved ones instead of open ones.")
    ] = False,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Number of lines, newest first.")
    ] = 50,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List incidents, with who works on them."""

    async def read(conn: Conn) -> list[IncidentLine]:
        owner = None if person is None else (await assignee_called(conn, person)).person_id
        return await incident_lines(conn, IncidentFilter(owner, unassigned, is_over=over), limit)

    out = OutputTable(("Incident", "State", "Assigned to", "Due", "About"), "There are no such incidents.")
    for line in with_conn(load_settings(config), read):
        work = line.work
        about = clean(line.subject or line.order_reference or line.list_name or "on no list", 100)
        owner = None if work.owner is None else work.owner.login
        out.add(
            (work.story_key[:12], work.state.value, owner or "nobody", moment(work.due_at) or "–", about),
            {
                "incident": work.story_key,
                "state": work.state.value,
                "assigned_to": owner,
                "assigned_since": work.owned_since and work.owned_since.isoformat(),
                "due_at": work.due_at and work.due_at.isoformat(),
                "note": None if work.note is None else work.note.text,
                "subject": line.subject,
            },
        )
    out.show("incidents", as_json=as_json)


def assign_command(
    incident: Incident,
    person: Annotated[
        str | None, typer.Argument(metavar="[LOGIN]", help="An analyst or admin. Left out: nobody.")
    ] = None,
    *,
    config: ConfigFile = None,
) -> None:
    """Assign an incident to a person, or to nobody.

    While a person has it, no reminder and no escalation is sent.
    """

    async def edit(conn: Conn) -> IncidentEdit:
        return IncidentEdit(owner=NONE if person is None else await assignee_called(conn, person))

    work = _edited(incident, edit, config)
    show(f"{work.story_key[:12]}: {'nobody' if work.owner is None else clean(work.owner.login, 100)} has it.")


def due_command(
    incident: Incident,
    when: Annotated[
        str,
        typer.Argument(metavar="TIME", help="A duration such as 6h, a time (ISO 8601, UTC), or none."),
    ],
    *,
    config: ConfigFile = None,
) -> None:
    """Set when the work on an incident is due, or remove that."""
    try:
        due = None if when == NONE else command_clock() + parse_duration(when)
    except ValueError:
        due = moment_of(when, "TIME")
    work = _edited(incident, lambda _: _ready(IncidentEdit(due_at=NONE if due is None else due)), config)
    said = "has no due time" if work.due_at is None else f"is due on {moment(work.due_at)}"
    show(f"{work.story_key[:12]} {said}.")


def note_command(
    incident: Incident,
    note: Annotated[str, typer.Argument(metavar="TEXT", help="What the next person should know.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Write a hand-over note about an incident."""
    work = _edited(incident, lambda _: _ready(IncidentEdit(note=note)), config)
    show(f"{work.story_key[:12]}: the note is stored.")


def close_command(
    incident: Incident,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why nothing is left to do.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Close an incident.

    A later group of changes opens it again.
    """
    work = _edited(incident, lambda _: _ready(IncidentEdit(close=reason)), config)
    show(f"{work.story_key[:12]} is closed.")


def reopen_command(incident: Incident, *, config: ConfigFile = None) -> None:
    """Reopen a closed incident."""
    work = _edited(incident, lambda _: _ready(IncidentEdit(reopen=True)), config)
    show(f"{work.story_key[:12]} is {work.state.value}.")


async def _ready(edit: IncidentEdit) -> IncidentEdit:
    return edit


def _edited(
    incident: str, make: Callable[[Conn], Awaitable[IncidentEdit]], config: ConfigFile
) -> IncidentWork:
    now: datetime = command_clock()

    async def act(conn: Conn) -> IncidentWork:
        key = await find_thread(conn, incident)
        return await edit_incident(conn, key, await make(conn), None, COMMAND_LINE, now)

    try:
        return with_conn(load_settings(config), act)
    except IncidentFault as fault:
        raise CommandError(str(fault)) from fault
