"""What people do about alerts: acknowledge, mute, send again. The audit log records each."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, StrictBool, StrictInt

from dashboard.api.account_edits import AccountNumber, Analyst, ApiInput, made
from dashboard.api.account_models import ApiModel
from dashboard.api.alerts import Incident, Mail, Mute, incident, mail, mute
from dashboard.api.paging import sent
from dashboard.api.parameter_types import LARGEST_ID, Moment, PathNumber, StoryKey, Text, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router
from dashboard.auth import access
from dashboard.ui.form_input import LONGEST_NOTE
from storage.accounts.lookup import is_stored
from storage.alerts import mail_queue, mutes, threads
from storage.alerts.incidents import assignee_called, edit_incident
from storage.alerts.mutes import mute_lines
from storage.alerts.paged_mails import mail_row
from storage.alerts.threads_report import thread_status
from storage.model.alerts.incidents import LONGEST_NOTE as LONGEST_WORK_NOTE
from storage.model.alerts.incidents import NONE, IncidentEdit, IncidentFault
from storage.model.core.people import Actor
from storage.postgres.pool import Conn, Refused, transaction


def _one_line(text: str) -> str:
    return " ".join(storable(text).split())


Remark = Annotated[str, Field(max_length=LONGEST_NOTE), AfterValidator(_one_line)]


class AcknowledgementGiven(ApiInput):
    """An acknowledgement of what was sent about an incident so far."""

    note: Remark = ""


class Acknowledgement(ApiModel):
    """Who acknowledged an incident first. A second acknowledgement changes nothing."""

    first: bool
    """True if nobody had acknowledged this group before."""
    by: str
    at: datetime
    note: str


WorkNote = Annotated[str, Field(max_length=LONGEST_WORK_NOTE), AfterValidator(_one_line)]


class IncidentChange(ApiInput):
    """What is to change of an incident. Fields that are left out stay as they are."""

    assigned_to: Text | None = None
    """Login of an analyst or admin. Null assigns it to nobody."""
    due_at: Moment | None = None
    """Null for no due time."""
    note: WorkNote | None = None
    """A hand-over note for the next person."""
    close: WorkNote | None = None
    """The reason, which closes the incident."""
    reopen: StrictBool = False
    revision: Annotated[StrictInt, Field(ge=0, le=LARGEST_ID)] | None = None
    """The revision that you saw. If the incident has another one, nothing is changed."""


_FIELDS = {"owner": "assigned_to"}
"""The names of fields of an edit in the API, where the two differ."""


class MuteGiven(ApiInput):
    """What to mute: one account, one list, or everything."""

    account_id: AccountNumber | None = None
    list: Text | None = None
    """Name of a list, or reference of the order that it belongs to."""
    everything: bool = False
    """A maintenance window. It needs `until` and an admin."""
    since: Moment | None = None
    """Now by default."""
    until: Moment | None = None
    """Null if it runs until somebody ends it."""
    note: Remark = ""


def alerting_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["alerts"])

    @router.post(
        "/incidents/{story_key}/acknowledgement", response_model=Acknowledgement, responses=NOT_FOUND
    )
    @router.post(
        "/stories/{story_key}/acknowledgement",
        response_model=Acknowledgement,
        responses=NOT_FOUND,
        deprecated=True,
    )
    async def acknowledge(
        request: Request, story_key: StoryKey, given: AcknowledgementGiven, actor: Analyst
    ) -> Response:
        """Acknowledge an incident, which ends its reminders and escalation. Requires an analyst."""
        async with transaction(source.pool) as conn:
            if await thread_status(conn, story_key) is None:
                raise ApiNotFound("There is no such incident.")
            done = await threads.acknowledge(conn, story_key, actor.name, given.note, source.clock())
        return sent(request, Acknowledgement(first=done.first, by=done.by, at=done.at, note=done.note))

    @router.delete(
        "/incidents/{story_key}/acknowledgement",
        response_model=Incident,
        responses={**NOT_FOUND, **CONFLICT},
    )
    async def undo_acknowledgement(request: Request, story_key: StoryKey, actor: Analyst) -> Response:
        """Undo the acknowledgement of an incident. Its reminders and escalation go on. Requires an
        analyst.
        """
        async with transaction(source.pool) as conn:
            await incident(conn, story_key)
            await threads.undo_acknowledgement(conn, story_key, actor.name, source.clock())
            changed = await incident(conn, story_key)
        return sent(request, changed)

    @router.patch("/incidents/{story_key}", response_model=Incident, responses={**NOT_FOUND, **CONFLICT})
    async def change_incident(
        request: Request, story_key: StoryKey, given: IncidentChange, actor: Analyst
    ) -> Response:
        """Assign an incident, set its due time, write a note, close or reopen it. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await incident(conn, story_key)
            edit = await _edit(conn, given)
            try:
                await edit_incident(conn, story_key, edit, given.revision, actor.name, source.clock())
            except IncidentFault as fault:
                field = _FIELDS.get(fault.field, fault.field)
                raise ApiInvalidField(f"body.{field}" if field else "body", str(fault)) from fault
            changed = await incident(conn, story_key)
        return sent(request, changed)

    @router.post("/mutes", status_code=201, response_model=Mute, responses={**NOT_FOUND, **CONFLICT})
    async def add_mute(given: MuteGiven, actor: Analyst) -> Response:
        """Mute an account or a list (requires an analyst), or everything (requires an admin)."""
        now = source.clock()
        async with transaction(source.pool) as conn:
            mute_id = await _mute(conn, given, actor, now)
            (row,) = [m for m in await mute_lines(conn, now) if m.mute_id == mute_id]
        return made(mute(row))

    @router.delete(
        "/mutes/{mute_id}", status_code=204, response_class=Response, responses={**NOT_FOUND, **CONFLICT}
    )
    async def end_mute(mute_id: PathNumber, actor: Analyst) -> Response:
        """End a mute. Requires an analyst, for a maintenance window an admin."""
        now = source.clock()
        async with transaction(source.pool) as conn:
            found = [m for m in await mute_lines(conn, now) if m.mute_id == mute_id]
            if not found:
                raise ApiNotFound(f"There is no running mute {mute_id}.")
            if found[0].is_maintenance:
                access.require(actor, access.MAINTENANCE)
            await mutes.end_mute(conn, mute_id, actor.name, now)
        return Response(status_code=204)

    @router.post("/mails/{mail_id}/resend", response_model=Mail, responses={**NOT_FOUND, **CONFLICT})
    async def resend(request: Request, mail_id: PathNumber, actor: Analyst) -> Response:
        """Send a delivery again under its Message-ID, also if it is a dead letter. Requires an analyst."""
        async with transaction(source.pool) as conn:
            if await mail_row(conn, mail_id) is None:
                raise ApiNotFound(f"There is no delivery {mail_id}.")
            await mail_queue.resend(conn, mail_id, actor.name, source.clock())
            row = await mail_row(conn, mail_id)
        assert row is not None  # noqa: S101 - it is locked
        return sent(request, mail(row))

    return router


async def _edit(conn: Conn, given: IncidentChange) -> IncidentEdit:
    """Raises ApiInvalidField for a change of nothing, and for a person who does not exist."""
    fields = given.model_fields_set - {"revision"}
    if not fields:
        raise ApiInvalidField("body", "Give what is to change, such as “assigned_to”.")
    owner = None
    if given.assigned_to is not None:
        try:
            owner = await assignee_called(conn, given.assigned_to)
        except Refused as fault:
            raise ApiInvalidField("body.assigned_to", str(fault)) from fault
    return IncidentEdit(
        owner=NONE if owner is None and "assigned_to" in fields else owner,
        due_at=NONE if given.due_at is None and "due_at" in fields else given.due_at,
        note=given.note,
        close=given.close,
        reopen=given.reopen,
    )


async def _mute(conn: Conn, given: MuteGiven, actor: Actor, now: datetime) -> int:
    """The number of the new mute. Raises ApiInvalidField, ApiNotFound, Forbidden or Refused."""
    since = given.since or now
    if sum((given.account_id is not None, given.list is not None, given.everything)) != 1:
        raise ApiInvalidField("body", "Set exactly one of account_id, list and everything.")
    if given.account_id is not None:
        if not await is_stored(conn, given.account_id):
            raise ApiNotFound(f"There is no account {given.account_id}.")
        return await mutes.mute_account(
            conn, given.account_id, since, given.until, given.note, actor.name, now
        )
    if given.list is not None:
        return await mutes.mute_list(conn, given.list, since, given.until, given.note, actor.name, now)
    access.require(actor, access.MAINTENANCE)
    if given.until is None:
        raise ApiInvalidField("body.until", "Set `until` for a maintenance window.")
    return await mutes.maintenance(conn, since, given.until, given.note, actor.name, now)
