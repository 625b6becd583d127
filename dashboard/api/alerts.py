"""What was told to whom: deliveries, stories and who took them on, mutes, and the rules behind them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel, fields_of
from dashboard.api.paging import Page, number_in, page, sent
from dashboard.api.parameter_types import CursorText, From, Limit, OfAccount, PathNumber, Text, To
from dashboard.api.problem_responses import NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, ordered
from storage.alerts.mutes import MuteLine, mute_lines
from storage.alerts.paged_mails_threads import (
    MailFilter,
    MailRow,
    StoryRow,
    mail_row,
    mails_page,
    stories_page,
)
from storage.alerts.rules import load_rules
from storage.model.alerts.alerts import MailKind, MailState
from storage.model.alerts.rule_codec import to_table
from storage.model.alerts.rule_toml import toml_of
from storage.model.alerts.rules import StoredRule
from storage.model.core.accounts import Platform
from storage.postgres.pool import transaction


class Mail(ApiModel):
    """One delivery: a mail, or a message to a channel. Its text stands on its page, `/mail/5`."""

    mail_id: int
    message_id: str
    """The same when it is sent again."""
    kind: MailKind
    subject: str
    recipients: list[str]
    """Mail addresses, `apprise:NAME` or `webhook:NAME`."""
    state: MailState
    """`dead`: it was given up, and nobody got it. `merged`: no server accepted it, and the later mail
    `merged_into` says both.
    """
    created_at: datetime
    sent_at: datetime | None
    """When a server accepted it, which is not when it was read."""
    attempts: int
    next_attempt_at: datetime | None
    last_error: str | None
    story_key: str | None
    merged_into: int | None
    """Null: it is not merged into a later mail."""
    change_ids: list[int]
    """The changes that it tells of."""


class Story(ApiModel):
    """What the same people were told of one cohort, wave after wave."""

    story_key: str
    rule: str
    list_name: str | None
    order_reference: str | None
    recipients: list[str]
    subject: str | None
    """Of its newest mail."""
    waves: int
    """How many were told at once."""
    acknowledged_wave: int
    """Up to which of them somebody took it on; 0: none. Below `waves` it waits."""
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_note: str | None
    first_told_at: datetime | None
    last_told_at: datetime | None


class Mute(ApiModel):
    """Nobody is told of an account, of a list, or of anything, for a time. What happens is recorded still."""

    mute_id: int
    account_id: int | None
    platform: Platform | None
    handle: str | None
    list_name: str | None
    everything: bool
    """A maintenance window: it is about everything."""
    since: datetime
    until: datetime | None
    """Null: until somebody ends it."""
    note: str
    made_by: str
    made_at: datetime


class Rule(ApiModel):
    """Who is told of what, and how patiently."""

    rule_id: int
    name: str
    enabled: bool
    from_settings: bool
    """It stands in the settings of the installation, and is changed there only."""
    active_since: datetime
    definition: dict[str, Any]
    """What is not as it is by default, with the keys of docs/alerts.md."""
    toml: str
    """The same as text."""


def alert_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["alerts"])

    @router.get("/mails", response_model=Page[Mail])
    async def list_mails(
        request: Request,
        since: From = None,
        until: To = None,
        state: Annotated[list[MailState] | None, Query(description="One of these states.")] = None,
        kind: Annotated[list[MailKind] | None, Query(description="One of these kinds.")] = None,
        recipient: Annotated[Text | None, Query(description="To this address or channel.")] = None,
        account_id: OfAccount = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """Deliveries by when they were written, newest first."""
        ordered(since, until)
        before = number_in(request, cursor)
        wanted = MailFilter(since, until, state, kind, recipient, account_id)
        async with transaction(source.pool) as conn:
            rows = await mails_page(conn, wanted, before, limit + 1)
        return page(request, rows, limit, mail, lambda row: row.mail_id)

    @router.get("/mails/{mail_id}", response_model=Mail, responses=NOT_FOUND)
    async def read_mail(request: Request, mail_id: PathNumber) -> Response:
        """One delivery."""
        async with transaction(source.pool) as conn:
            row = await mail_row(conn, mail_id)
        if row is None:
            raise ApiNotFound(f"There is no mail {mail_id}.")
        return sent(request, mail(row))

    @router.get("/stories", response_model=Page[Story])
    async def list_stories(
        request: Request,
        waiting: Annotated[
            bool | None, Query(description="Whether its newest wave waits for somebody to take it on.")
        ] = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """Stories, the one that began last first."""
        before = number_in(request, cursor)
        async with transaction(source.pool) as conn:
            rows = await stories_page(conn, waiting=waiting, before=before, limit=limit + 1)
        return page(request, rows, limit, _story, lambda row: row.story_id)

    @router.get("/mutes", response_model=Page[Mute])
    async def list_mutes(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """Mutes and maintenance windows that run or are still to come, newest first."""
        before = number_in(request, cursor)
        async with transaction(source.pool) as conn:
            rows = await mute_lines(conn, source.clock())
        left = [m for m in rows if before is None or m.mute_id < before]
        return page(request, left, limit, mute, lambda row: row.mute_id)

    @router.get("/rules", response_model=Page[Rule])
    async def list_rules(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """The alert rules that are not removed, by number; those that cannot be read are a condition."""
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            found = await load_rules(conn)
        left = sorted((r for r in found if r.rule_id > after), key=lambda r: r.rule_id)
        return page(request, left, limit, rule, lambda row: row.rule_id)

    return router


def mail(row: MailRow) -> Mail:
    return Mail.model_validate(fields_of(row))


def _story(row: StoryRow) -> Story:
    return Story.model_validate(fields_of(row))


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
