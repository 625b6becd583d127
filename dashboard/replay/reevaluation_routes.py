"""Routes of re-evaluation: POST requests start and stop it, and a CSV file has what differs."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.auth.form_actions import redirect_to, run_form_action
from dashboard.replay.reevaluation import RUN_EXPIRED, ReevaluationRuns, address
from dashboard.replay.reevaluation_form import asked, in_force, written
from dashboard.replay.reevaluation_result import table
from dashboard.ui.form_input import Filled
from storage.alerts.rules import load_rules
from storage.model.core.people import Actor
from storage.postgres.pool import Pool, transaction

ReevaluationAction: TypeAlias = Callable[[Filled, Actor], Awaitable[str]]
"""Returns the key of its run."""


def reevaluation_routes(pool: Pool, runs: ReevaluationRuns) -> APIRouter:
    """`/api/replay/rules` starts, `/api/replay/rules/stop` stops, `/api/replay/rules/KEY.csv` exports."""
    router = APIRouter(prefix="/api/replay/rules")

    async def begin(given: Filled, actor: Actor) -> str:
        async with transaction(pool) as conn:
            thresholds, rules = in_force(runs.decider.thresholds, await load_rules(conn))
        wanted = await off_loop(asked, given, thresholds, rules)
        return runs.start(wanted, written(given), actor.name).key

    async def stop(given: Filled, _: Actor) -> str:
        key = given.needed("run")
        runs.stop(key)
        return key

    router.add_api_route("", _route(begin), methods=["POST"])
    router.add_api_route("/stop", _route(stop), methods=["POST"])

    @router.get("/{key}.csv")
    async def differences(request: Request, key: str) -> Response:
        try:
            access.require(access.actor_of(request), access.REEVALUATE)
        except access.Forbidden as error:
            return refusal(403, str(error))
        run = runs.of(key)
        if run is None or run.answer is None:
            return refusal(404, RUN_EXPIRED)
        text = await off_loop(table, run.answer)
        headers = {"Content-Disposition": f'attachment; filename="re-evaluation-{run.at:%Y%m%dT%H%M%S}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    return router


def _route(deed: ReevaluationAction) -> Callable[[Request], Awaitable[Response]]:
    """The answer leads to the page of the run."""

    async def act(request: Request) -> Response:
        async def do(given: Filled, actor: Actor) -> Response:
            return redirect_to(request, address(await deed(given, actor)))

        return await run_form_action(request, access.REEVALUATE, do)

    return act
