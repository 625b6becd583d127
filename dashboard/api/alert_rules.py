"""Changing alert rules over the API. Rules of the settings are changed there, and refused here."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field

from dashboard.alerts.rule_trials import RuleTrialFailed
from dashboard.api.account_edits import Admin, ApiInput, made
from dashboard.api.account_models import ApiModel
from dashboard.api.alerts import Rule, rule
from dashboard.api.paging import sent
from dashboard.api.parameter_types import Moment, Text, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiBusy, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router
from storage.alerts import rules
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.rule_preview import LONGEST_PREVIEW, PREVIEW_PERIOD, RulePreview, preview_words
from storage.model.alerts.rule_toml import rule_of
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Conn, transaction


class RuleMove(StrEnum):
    """Where a rule goes in the order in which rules are tried."""

    UP = "up"
    DOWN = "down"


RuleText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=20_000,
        examples=['name = "desk"\nrecipients = ["desk@example.org"]\ncountries = ["IN"]\n'],
    ),
    AfterValidator(storable),
]


class RuleGiven(ApiInput):
    """A rule as TOML text, see docs/how-to/alerts.md."""

    toml: RuleText


class RuleSwitch(ApiInput):
    """Whether the rule is enabled, and its place among the rules. Give one of them, or both."""

    name: Text
    enabled: bool | None = None
    """Null leaves it as it is."""
    move: RuleMove | None = None
    """Try the rule one place earlier or later. Rules of the settings stay first."""


class RuleTried(ApiInput):
    """A rule to try on what is stored, whether it is saved or not."""

    toml: RuleText
    since: Moment | None = None
    """Default: 30 days before the end."""
    until: Moment | None = None
    """Default: now."""


class RuleGroup(ApiModel):
    """One email that the rule would have sent, to each of its recipients."""

    at: datetime
    kind: MailKind
    subject: str
    recipients: int
    accounts: int
    posts: int
    """If `accounts` and `posts` are 0, the email is a digest that says that nothing changed."""
    handles: list[str]
    """The handles of some of these accounts and posts."""


class RulePreviewed(ApiModel):
    """What a rule would have sent. Reminders, escalations and engagements are not counted."""

    since: datetime
    until: datetime
    emails: int
    """One per recipient."""
    recipients: list[str]
    """Who would have been sent at least one."""
    changes: int
    """The changes that the emails report."""
    largest: list[RuleGroup]
    """The groups with the most accounts and posts, at most five."""
    was_read: bool
    """Whether any account gave a reading in that time. If not, it is not known what would have been sent."""
    words: str


def ruling_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["alerts"])

    @router.post("/rules", status_code=201, response_model=Rule, responses=CONFLICT)
    async def add_rule(given: RuleGiven, actor: Admin) -> Response:
        """Add a rule, tried last. Requires an admin. Refused if there is one with its name."""
        wanted = _read(given.toml)
        async with transaction(source.pool) as conn:
            return made(rule(await rules.add_rule(conn, wanted, actor.name, source.clock())))

    @router.post("/rules/preview", response_model=RulePreviewed)
    async def preview_rule(request: Request, given: RuleTried, _: Admin) -> Response:
        """Count what a rule would have sent in a past period. Requires an admin. Nothing is stored.

        The stored rules are tried with it: it takes the place of the one with its name, or the last place.
        """
        wanted, now = _read(given.toml), source.clock()
        until = given.until or now
        since = given.since or until - PREVIEW_PERIOD
        if until > now:
            raise ApiInvalidField("body.until", "This time is in the future.")
        if not timedelta(0) < until - since <= LONGEST_PREVIEW:
            raise ApiInvalidField("body.since", "It must be before `until`, by at most 366 days.")
        try:
            return sent(request, _previewed(await source.trials.preview(wanted, since, until), now))
        except RuleTrialFailed as error:
            raise ApiBusy(str(error)) from error

    @router.put("/rules", response_model=Rule, responses=CONFLICT)
    async def save_rule(request: Request, given: RuleGiven, actor: Admin) -> Response:
        """Add a rule, or replace the rule of that name. Requires an admin."""
        wanted = _read(given.toml)
        async with transaction(source.pool) as conn:
            await rules.edit_rule(conn, wanted, actor.name, source.clock())
            return sent(request, await _rule(conn, wanted.name))

    @router.patch("/rules", response_model=Rule, responses={**NOT_FOUND, **CONFLICT})
    async def switch_rule(request: Request, given: RuleSwitch, actor: Admin) -> Response:
        """Enable or disable a rule, or move it among the others. Requires an admin."""
        if given.enabled is None and given.move is None:
            raise ApiInvalidField("body", "Give `enabled`, `move` or both.")
        async with transaction(source.pool) as conn:
            await _rule(conn, given.name)
            if given.enabled is not None:
                await rules.enable_rule(conn, given.name, actor.name, source.clock(), enabled=given.enabled)
            if given.move is not None:
                up = given.move is RuleMove.UP
                await rules.move_rule(conn, given.name, actor.name, source.clock(), up=up)
            return sent(request, await _rule(conn, given.name))

    @router.delete("/rules", status_code=204, response_class=Response, responses=CONFLICT)
    async def remove_rule(name: Annotated[Text, Query()], actor: Admin) -> Response:
        """Remove a rule. Its past decisions stay. Requires an admin."""
        async with transaction(source.pool) as conn:
            await rules.remove_rule(conn, name, actor.name, source.clock())
        return Response(status_code=204)

    return router


def _read(toml: str) -> AlertRule:
    """Raises ApiInvalidField."""
    try:
        return rule_of(toml)
    except ValueError as error:
        message = f"The rule cannot be used: {str(error).rstrip('.')}."
        raise ApiInvalidField("body.toml", message) from error


def _previewed(found: RulePreview, now: datetime) -> RulePreviewed:
    return RulePreviewed(
        since=found.since,
        until=found.until,
        emails=found.emails,
        recipients=list(found.recipients),
        changes=found.changes,
        largest=[
            RuleGroup(
                at=one.at,
                kind=one.kind,
                subject=one.headline,
                recipients=one.recipients,
                accounts=one.count.accounts,
                posts=one.count.posts,
                handles=list(one.handles),
            )
            for one in found.largest
        ],
        was_read=found.was_read,
        words=preview_words(found, now),
    )


async def _rule(conn: Conn, name: str) -> Rule:
    """Raises ApiNotFound."""
    for stored in await rules.load_rules(conn):
        if stored.rule.name == name:
            return rule(stored)
    raise ApiNotFound(f"The rule {name!r} does not exist or cannot be read.")
