"""Changing alert rules over the API. Rules of the settings are changed there, and refused here."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field

from dashboard.api.account_edits import Admin, ApiInput
from dashboard.api.alerts import Rule, rule
from dashboard.api.paging import sent
from dashboard.api.parameter_types import Text, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext
from storage.alerts import rules
from storage.model.alerts.rule_toml import rule_of
from storage.postgres.pool import Conn, transaction


class RuleGiven(ApiInput):
    """A rule as TOML text, see docs/alerts.md. It replaces the rule of that name."""

    toml: Annotated[
        str,
        Field(
            min_length=1,
            max_length=20_000,
            examples=['name = "desk"\nrecipients = ["desk@example.org"]\ncountries = ["IN"]\n'],
        ),
        AfterValidator(storable),
    ]


class RuleSwitch(ApiInput):
    """Whether the rule is enabled."""

    name: Text
    enabled: bool


def ruling_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["alerts"])

    @router.put("/rules", response_model=Rule, responses=CONFLICT)
    async def save_rule(request: Request, given: RuleGiven, actor: Admin) -> Response:
        """Add a rule, or replace the rule of that name. Requires an admin."""
        try:
            wanted = rule_of(given.toml)
        except ValueError as error:
            raise ApiInvalidField(
                "body.toml", f"The rule cannot be used: {str(error).rstrip('.')}."
            ) from error
        async with transaction(source.pool) as conn:
            await rules.edit_rule(conn, wanted, actor.name, source.clock())
            return sent(request, await _rule(conn, wanted.name))

    @router.patch("/rules", response_model=Rule, responses={**NOT_FOUND, **CONFLICT})
    async def switch_rule(request: Request, given: RuleSwitch, actor: Admin) -> Response:
        """Enable or disable a rule. Requires an admin."""
        async with transaction(source.pool) as conn:
            await _rule(conn, given.name)
            await rules.enable_rule(conn, given.name, actor.name, source.clock(), enabled=given.enabled)
            return sent(request, await _rule(conn, given.name))

    @router.delete("/rules", status_code=204, response_class=Response, responses=CONFLICT)
    async def remove_rule(name: Annotated[Text, Query()], actor: Admin) -> Response:
        """Remove a rule. Its past decisions stay. Requires an admin."""
        async with transaction(source.pool) as conn:
            await rules.remove_rule(conn, name, actor.name, source.clock())
        return Response(status_code=204)

    return router


async def _rule(conn: Conn, name: str) -> Rule:
    """Raises ApiNotFound."""
    for stored in await rules.load_rules(conn):
        if stored.rule.name == name:
            return rule(stored)
    raise ApiNotFound(f"The rule {name!r} does not exist or cannot be read.")
