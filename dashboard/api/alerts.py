"""What was sent to whom: deliveries, incidents and their acknowledgement, mutes, and rules."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel, fields_of
from dashboard.api.paging import Page, number_in, page, sent
from dashboard.api.parameter_types import (
    CursorText,
    From,
    Limit,
    OfAccount,
    PathNumber,
    StoryKey,
    Text,
    To,
)
from dashboard.api.problem_responses import NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, ordered
from storage.alerts.incidents import (
    IncidentFilter,
    IncidentLine,
    assignee_called,
    incident_acts,
    incident_line,
    incident_lines,
)
from storage.alerts.mutes import MuteLine, mute_lines
from storage.alerts.paged_mails import MailFilter, MailRow, mail_row, mails_page
from storage.alerts.rules import load_rules
from storage.model.alerts.alerts import MailKind, MailState
from storage.model.alerts.incidents import IncidentState
from storage.model.alerts.rule_codec import to_table
from storage.model.alerts.rule_toml import toml_of
from storage.model.alerts.rules import StoredRule
from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn, Refused, transaction


class Mail(ApiModel):
    """One delivery: an email, or a message to a channel. The page `/mail/5` shows its text."""

    mail_id: int
    message_id: str
    """The Message-ID. It stays the same if the message is sent again."""
    kind: MailKind
    subject: str
    recipients: list[str]
    """Mail addresses, `apprise:NAME`, `webhook:NAME` or `pagerduty:NAME`."""
    state: MailState
    """`dead`: it failed permanently. `merged`: no server accepted it, and the later email `merged_into`
    replaces it.
    """
    created_at: datetime
    sent_at: datetime | None
    """When a server accepted it, which is not when it was read."""
    attempts: int
    next_attempt_at: datetime | None
    last_error: str | None
    story_key: str | None
    merged_into: int | None
    """The email that replaces it. Null if it was not merged."""
    change_ids: list[int]
    """The changes that it reports."""


class IncidentNote(ApiModel):
    """What one person wrote for the next."""

    text: str
    at: datetime
    by: str


class IncidentClosed(ApiModel):
    """Who closed an incident, and why. A later group of changes opens it again."""

    at: datetime
    by: str
    reason: str


class Story(ApiModel):
    """An incident: what was sent to the same people about one cohort, group after group."""

    story_key: str
    rule: str
    list_name: str | None
    order_reference: str | None
    recipients: list[str]
    subject: str | None
    """Subject of its newest email."""
    waves: int
    """Number of groups of changes that were sent at once."""
    acknowledged_wave: int
    """The last group that was acknowledged; 0 if none. If it is less than the number of groups, the newest is
    not acknowledged.
    """
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_note: str | None
    first_told_at: datetime | None
    last_told_at: datetime | None
    state: IncidentState
    """`resolved` if readings showed each of its accounts back. What was not read since is not back."""
    accounts: int
    """Number of accounts and posts that it reported."""
    posts: int
    """How many of `accounts` are posts."""
    accounts_back: int
    resolved_at: datetime | None
    """The first reading that showed the last of its accounts back."""
    assigned_to: str | None
    """Login of the person who works on it."""
    assigned_since: datetime | None
    due_at: datetime | None
    note: IncidentNote | None
    """The newest hand-over note."""
    closed: IncidentClosed | None
    revision: int
    """It rises with each change by people and with each group of changes."""


class IncidentEntry(ApiModel):
    """What a person did about an incident."""

    at: datetime
    by: str
    did: str


class Incident(Story):
    """An incident with what people did about it."""

    history: list[IncidentEntry]
    """Newest first."""


class Mute(ApiModel):
    """A mute: nothing is sent about an account, a list or anything for a time. Changes are still recorded."""

    mute_id: int
    account_id: int | None
    platform: Platform | None
    handle: str | None
    list_name: str | None
    everything: bool
    """True for a maintenance window, which covers everything."""
    since: datetime
    until: datetime | None
    """Null if it runs until somebody ends it."""
    note: str
    made_by: str
    made_at: datetime


class Rule(ApiModel):
    """An alert rule: which changes are sent, to whom and when."""

    rule_id: int
    name: str
    enabled: bool
    from_settings: bool
    """True if it is defined in the settings. It can be changed only there."""
    active_since: datetime
    definition: dict[str, Any]
    """The keys of docs/how-to/alerts.md that differ from their defaults."""
    toml: str
    """The definition as TOML text."""


class AlertsOfReason(ApiModel):
    """Why a rule does not match some alerts, or what it decided about them."""

    reason: str
    """A condition as in `blockline alerts explain`, or a decision."""
    words: str
    alerts: int


class RuleInIncident(ApiModel):
    """What one rule would do with the group, and what it did."""

    rule: str
    recipients: list[str]
    matches: int
    """Alerts that the rule matches as it is now."""
    unmatched: list[AlertsOfReason]
    """Why it does not match the others."""
    decided: list[AlertsOfReason]
    """What it decided then; empty if it decided nothing."""


class IncidentRules(ApiModel):
    """The newest group of an incident, with the outcome of every rule in their order."""

    group: int
    alerts: int
    """Alerts that are explained."""
    left_out: int
    """Further alerts of the group."""
    rules: list[RuleInIncident]


def alert_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["alerts"])

    @router.get("/mails", response_model=Page[Mail])
    async def list_mails(
        request: Request,
        since: From = None,
        until: To = None,
        state: Annotated[
            list[MailState] | None, Query(description="Only deliveries with one of these states.")
        ] = None,
        kind: Annotated[
            list[MailKind] | None, Query(description="Only deliveries of one of these kinds.")
        ] = None,
        recipient: Annotated[
            Text | None, Query(description="Only deliveries to this address or channel.")
        ] = None,
        account_id: OfAccount = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List deliveries by the time they were written, newest first."""
        ordered(since, until)
        before = number_in(request, cursor)
        wanted = MailFilter(since, until, state, kind, recipient, account_id)
        async with transaction(source.pool) as conn:
            rows = await mails_page(conn, wanted, before, limit + 1)
        return page(request, rows, limit, mail, lambda row: row.mail_id)

    @router.get("/mails/{mail_id}", response_model=Mail, responses=NOT_FOUND)
    async def read_mail(request: Request, mail_id: PathNumber) -> Response:
        """Get a delivery."""
        async with transaction(source.pool) as conn:
            row = await mail_row(conn, mail_id)
        if row is None:
            raise ApiNotFound(f"There is no delivery {mail_id}.")
        return sent(request, mail(row))

    @router.get("/incidents", response_model=Page[Story])
    @router.get("/stories", response_model=Page[Story], deprecated=True)
    async def list_incidents(
        request: Request,
        waiting: Annotated[
            bool | None,
            Query(
                description="True: only incidents whose newest group is not acknowledged. False: only others."
            ),
        ] = None,
        state: Annotated[
            list[IncidentState] | None, Query(description="Only incidents in one of these states.")
        ] = None,
        assigned_to: Annotated[
            Text | None, Query(description="Only incidents of the person with this login.")
        ] = None,
        unassigned: Annotated[
            bool, Query(description="True: only incidents that are assigned to nobody who can log in.")
        ] = False,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List incidents, the newest first. `/stories` is the earlier name of `/incidents`."""
        before = number_in(request, cursor)
        async with transaction(source.pool) as conn:
            person = None if assigned_to is None else await _person(conn, assigned_to)
            wanted = IncidentFilter(person, unassigned, states=state, waits=waiting)
            rows = await incident_lines(conn, wanted, limit + 1, before)
        return page(request, rows, limit, _story, lambda row: row.work.story_id)

    @router.get("/incidents/{story_key}", response_model=Incident, responses=NOT_FOUND)
    async def read_incident(request: Request, story_key: StoryKey) -> Response:
        """Get an incident, with what people did about it."""
        async with transaction(source.pool) as conn:
            found = await incident(conn, story_key)
        return sent(request, found)

    @router.get("/incidents/{story_key}/rules", response_model=IncidentRules, responses=NOT_FOUND)
    async def explain_incident(request: Request, story_key: StoryKey) -> Response:
        """Show what each rule would do with the newest group of an incident, and what it did."""
        async with transaction(source.pool) as conn:
            await incident(conn, story_key)
            found = await source.trials.explain_incident(conn, story_key)
        if found is None:
            raise ApiNotFound("No group of this incident was sent yet.")
        return sent(request, IncidentRules.model_validate(found))

    @router.get("/mutes", response_model=Page[Mute])
    async def list_mutes(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """List running and planned mutes and maintenance windows, newest first."""
        before = number_in(request, cursor)
        async with transaction(source.pool) as conn:
            rows = await mute_lines(conn, source.clock())
        left = [m for m in rows if before is None or m.mute_id < before]
        return page(request, left, limit, mute, lambda row: row.mute_id)

    @router.get("/rules", response_model=Page[Rule])
    async def list_rules(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """List alert rules by number. A rule that cannot be read is listed in `/conditions` instead."""
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            found = await load_rules(conn)
        left = sorted((r for r in found if r.rule_id > after), key=lambda r: r.rule_id)
        return page(request, left, limit, rule, lambda row: row.rule_id)

    return router


def mail(row: MailRow) -> Mail:
    return Mail.model_validate(fields_of(row))


async def incident(conn: Conn, story_key: str) -> Incident:
    """Return an incident with its history. Raises ApiNotFound."""
    row = await incident_line(conn, story_key)
    if row is None:
        raise ApiNotFound("There is no such incident.")
    acts = await incident_acts(conn, story_key)
    history = [IncidentEntry(at=act.at, by=act.actor, did=act.words) for act in acts]
    return Incident(**_story(row).model_dump(), history=history)


async def _person(conn: Conn, login: str) -> int:
    try:
        return (await assignee_called(conn, login)).person_id
    except Refused as fault:
        raise ApiInvalidField("query.assigned_to", str(fault)) from fault


def _story(row: IncidentLine) -> Story:
    work = row.work
    return Story(
        story_key=work.story_key,
        rule=row.rule,
        list_name=row.list_name,
        order_reference=row.order_reference,
        recipients=list(row.recipients),
        subject=row.subject,
        waves=row.groups,
        acknowledged_wave=row.acknowledged_groups,
        acknowledged_at=work.acknowledged_at,
        acknowledged_by=work.acknowledged_by,
        acknowledged_note=work.acknowledged_note if work.acknowledged_at is not None else None,
        first_told_at=row.first_told_at,
        last_told_at=row.last_told_at,
        state=work.state,
        accounts=work.accounts.accounts,
        posts=work.accounts.posts,
        accounts_back=work.accounts.back,
        resolved_at=work.accounts.at,
        assigned_to=None if work.owner is None else work.owner.login,
        assigned_since=work.owned_since,
        due_at=work.due_at,
        note=work.note and IncidentNote.model_validate(fields_of(work.note)),
        closed=work.closing and IncidentClosed.model_validate(fields_of(work.closing)),
        revision=work.revision,
    )


def mute(row: MuteLine) -> Mute:
    return Mute.model_validate({**fields_of(row), "everything": row.is_maintenance})


def rule(stored: StoredRule) -> Rule:
    return Rule(
        rule_id=stored.rule_id,
        name=stored.rule.name,
        enabled=stored.enabled,
        from_settings=stored.from_settings,
        active_since=stored.active_since,
        definition=to_table(stored.rule),
        toml=toml_of(stored.rule),
    )
