"""The executives over plain HTTP: the same figures as on their pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal
from dashboard.executives.person_engagement import RANGES, AssociationTest, PersonView, person_view
from dashboard.executives.words import ASSOCIATION, method, observability, verdict
from dashboard.wire.compact_json import Json
from storage.executives.engagement_report import BlockCount
from storage.executives.executives_report import (
    ExecutivePerson,
    ExecutiveSignal,
    PersonAccount,
    SignalCount,
    people,
)
from storage.postgres.pool import Pool, StorageError, transaction


def executive_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    router = APIRouter()

    @router.get("/api/executives")
    async def executives() -> Response:
        try:
            async with transaction(pool) as conn:
                found = await people(conn, clock())
        except StorageError as error:
            return refusal(503, str(error))
        return await off_loop(lambda: JSONResponse({"people": [_person(p) for p in found]}))

    @router.get("/api/executives/{account_id}")
    async def executive(
        account_id: int, range_name: Annotated[str, Query(alias="range")] = "all"
    ) -> Response:
        if range_name not in RANGES:
            return refusal(422, f"The range must be one of {', '.join(RANGES)}.")
        try:
            async with transaction(pool) as conn:
                view = await person_view(conn, account_id, range_name, clock())
        except StorageError as error:
            return refusal(503, str(error))
        if view is None:
            return refusal(404, "No stored executive has an account with this number.")
        return await off_loop(lambda: JSONResponse(view_json(view)))

    return router


def view_json(view: PersonView) -> Json:
    return {
        **_person(view.person),
        "range": view.range_name,
        "from": view.axis[0].isoformat(),
        "to": view.axis[1].isoformat(),
        "counts": [_count(c) for c in view.counts],
        "blocks": [_count(c) for c in view.blocks],
        "blocks_of": "orders" if view.blocks_of_orders else "watched",
        "not_observed": [[since.isoformat(), until.isoformat()] for since, until in view.silent],
        "doubts": {doubt.value: n for doubt, n in view.doubts.items()},
        "acts": [_act(a) for a in view.acts],
        "associations": [_tested(t, view.person.name) for t in view.tested],
        "note": ASSOCIATION,
    }


def _person(person: ExecutivePerson) -> Json:
    return {"name": person.name, "accounts": [_account(a) for a in person.accounts]}


def _account(account: PersonAccount) -> Json:
    return {
        "id": account.account_id,
        "platform": account.platform.value,
        "native_id": account.native_id,
        "handle": account.handle,
        "title": account.title,
        "last_polled_at": _time(account.last_polled_at),
        "acts": account.acts,
        "acts_30_days": account.recent,
        "observability": [
            {"kind": o.kind.value, "observable": o.observable, "state": o.state, "why": o.reason}
            for o in observability(account)
        ],
        "observability_found": [
            {
                "kind": a.kind.value,
                "observable": a.observable,
                "since": a.since.isoformat(),
                "until": _time(a.until),
                "why": a.reason,
            }
            for a in account.access
        ],
    }


def _count(count: SignalCount | BlockCount) -> Json:
    return {"from": count.start.isoformat(), "kind": count.kind, "n": count.n}


def _act(act: ExecutiveSignal) -> Json:
    return {
        "id": act.signal_id,
        "account": act.account_id,
        "kind": act.kind.value,
        "made_at": _time(act.made_at),
        "made_after": _time(act.made_after),
        "first_seen_at": act.first_seen_at.isoformat(),
        "toward": act.target_author_id,
        "toward_account": act.target.account_id if act.target is not None else None,
        "lists": list(act.target.lists) if act.target is not None else [],
        "orders": list(act.target.orders) if act.target is not None else [],
        "words": list(act.words),
        "doubts": list(act.doubts),
        "counts": act.counts,
        "source": act.source,
    }


def _tested(tested: AssociationTest, name: str) -> Json:
    found = tested.found
    return {
        "order": tested.order.reference,
        "source": tested.source,
        "events": tested.events,
        "toward": found.toward,
        "in_windows": found.in_windows,
        "expected": found.expected,
        "expected_by_all_acts": found.active,
        "p": found.p,
        "shifts": found.shifts,
        "observed_s": found.observed.total_seconds(),
        "observed_in_windows_s": found.observed_in_windows.total_seconds(),
        "cannot_be_tested": found.why_not or None,
        "said": [verdict(tested, name), *method(tested, name)],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
