"""Status of the monitor: what is blocked, how well it is read, and open issues."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel, fields_of, words
from dashboard.api.paging import Page, page, sent
from dashboard.api.parameter_types import Limit
from dashboard.api.request_checks import ApiContext, api_router
from dashboard.health.collectors import COLLECTOR_HEALTH_NAMES, worst_first
from storage.health.conditions import open_conditions
from storage.health.status import Overview, standing
from storage.model.alerts.conditions import ConditionKind, KnownCondition
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, MissedReason, Status
from storage.postgres.pool import transaction

BLOCKED = tuple(status for status in Status if status.is_blocked)


class StateCount(ApiModel):
    """Watched accounts of one platform in one confirmed state."""

    platform: Platform
    status: Status | None
    """Null if no state is confirmed."""
    withheld_in: list[str]
    words: str
    or_deleted: bool
    """Suspended by their server or deleted by their owner, which look alike. Not counted as blocked."""
    accounts: int
    late: int
    """Of these, those without a conclusive answer in the last two sweeps. Their status now is not known."""


class Collector(ApiModel):
    """One collector at one place. The worst are listed first."""

    platform: Platform
    place: str
    """The server that it asks. Empty if one server answers for the whole platform."""
    vantage: str
    """Empty for the installation's own connection."""
    state: str
    """`reads`, `pauses`, `held`, `silent` or `never_read`."""
    reason: str | None
    detail: str | None
    since: datetime | None
    retry_at: datetime | None
    last_answer_at: datetime | None


class Standing(ApiModel):
    """The status at one time. Control accounts are not counted. Unknown values are null, never 0."""

    at: datetime
    watched: int
    watched_posts: int
    """How many of `watched` are posts. The other counts of accounts include posts too."""
    blocked_now: int | None
    """Watched accounts in a blocked state that were read in the last two sweeps."""
    blocked_when_last_read: int
    """Watched accounts that were blocked when last read, more than two sweeps ago."""
    unconfirmed: int
    provisional: int
    """Changes that still need readings."""
    changes_24h: dict[ChangeKind, int]
    """Confirmed ones that were first seen in the last 24 hours."""
    late: int
    late_after_s: float
    requests_24h_answered: int
    requests_24h_held: int
    requests_24h_missed: dict[MissedReason, int]
    last_answer_at: datetime | None
    mails_queued: int
    mails_dead: int
    mails_sent: int
    states: list[StateCount]
    collectors: list[Collector]


class Condition(ApiModel):
    """An issue of the monitor itself. It says nothing about an account."""

    condition_id: int
    kind: ConditionKind
    platform: Platform | None
    place: str
    vantage: str
    since: datetime
    sentence: str
    detail: str
    to_do: str
    opened_at: datetime
    told_at: datetime | None
    """When the operators were last notified. Null if they were not."""


def health_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["health"])

    @router.get("/standing", response_model=Standing)
    async def read_standing(request: Request) -> Response:
        """Get what is blocked now, how well it is read, and what waits, as `blockline status` does."""
        async with transaction(source.pool) as conn:
            stand = await standing(conn, source.clock(), source.settings.sweep_every)
        return sent(request, condition_model(stand))

    @router.get("/conditions", response_model=Page[Condition])
    async def list_conditions(request: Request, limit: Limit = 100) -> Response:
        """List open issues of the monitor, the longest first. There is never more than one page."""
        async with transaction(source.pool) as conn:
            found = await open_conditions(conn)
        return page(request, found[:limit], limit, _condition, lambda c: c.condition_id)

    return router


def condition_model(stand: Overview) -> Standing:
    return Standing(
        at=stand.at,
        watched=stand.watched,
        watched_posts=stand.watched_posts,
        blocked_now=stand.standing(*BLOCKED),
        blocked_when_last_read=stand.last_known(*BLOCKED),
        unconfirmed=stand.unconfirmed,
        provisional=stand.provisional,
        changes_24h=stand.changes,
        late=stand.late,
        late_after_s=stand.late_after.total_seconds(),
        requests_24h_answered=stand.requests.answered,
        requests_24h_held=stand.requests.held,
        requests_24h_missed=stand.requests.missed,
        last_answer_at=stand.requests.last_answer_at,
        mails_queued=stand.mails.queued,
        mails_dead=stand.mails.dead,
        mails_sent=stand.mails.sent,
        states=[
            StateCount(
                platform=s.platform,
                status=s.state and s.state.status,
                withheld_in=list(s.state.withheld_in) if s.state is not None else [],
                words=words(
                    s.platform,
                    s.state and s.state.status,
                    s.state.withheld_in if s.state is not None else (),
                    None,
                ),
                or_deleted=s.or_deleted,
                accounts=s.accounts,
                late=s.late,
            )
            for s in stand.states
        ],
        collectors=[
            Collector(
                platform=d.platform,
                place=d.place,
                vantage=d.vantage,
                state=COLLECTOR_HEALTH_NAMES[found],
                reason=None if d.healthy else d.reason,
                detail=None if d.healthy else d.detail,
                since=None if d.healthy else d.since,
                retry_at=None if d.healthy else d.retry_at,
                last_answer_at=d.last_answered_at,
            )
            for found, d in worst_first(stand.detectors, stand.at, stand.late_after)
        ],
    )


def _condition(known: KnownCondition) -> Condition:
    found = known.condition
    return Condition.model_validate(fields_of(known) | fields_of(found) | fields_of(found.key))
