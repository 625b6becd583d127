"""Whether the networks of a country reach the platforms, by OONI's measurements."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel
from dashboard.api.paging import sent
from dashboard.api.parameter_types import AsKnownAt, Country, From, To
from dashboard.api.problem_responses import NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, ordered, past
from dashboard.countries.network_page import SHOWN
from storage.countries.measured_networks import measured_days, network_reads
from storage.model.core.reachability import MeasuredDay
from storage.postgres.recording_order import as_known


class NetworkDay(ApiModel):
    """Measurements of one domain on one day (UTC). They say nothing about any account."""

    domain: str
    day: date
    opened: int
    anomalies: int
    """Something differed from the same try elsewhere: a block, or a fault of the network or the site."""
    confirmed_blocks: int
    """OONI recognises the way of blocking."""
    failed: int
    """The measurement itself failed and says nothing."""
    mostly_unreachable: bool | None
    """Whether at least half of `opened`, `anomalies` and `confirmed_blocks` are not `opened`. Null: there are
    fewer than 10 of them.
    """


class Network(ApiModel):
    """What OONI published of a country. A day that is missing had no measurement yet, or was never asked for:
    see `first_day` and `answered_at`.
    """

    country: str
    first_day: date | None
    """The first day that was ever answered for. Null: there was never an answer."""
    answered_at: datetime | None
    """The last answer."""
    asked_at: datetime
    """The last request."""
    failure: str | None
    """Why the last request had no answer. Null: it had one."""
    days: list[NetworkDay]


def network_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["networks"])

    @router.get("/networks/{country}", response_model=Network, responses=NOT_FOUND)
    async def read_network(
        request: Request,
        country: Annotated[Country, Path()],
        since: From = None,
        until: To = None,
        as_known_at: AsKnownAt = None,
    ) -> Response:
        """Get OONI's measurements from one country by domain and day. Default: of the last 90 days.

        A day counts to a range that holds any of it.
        """
        ordered(since, until)
        known = past(as_known_at, "as_known_at", source.clock())
        end = until or source.clock()
        begin = since or end - SHOWN
        first, last = begin.astimezone(UTC).date(), (end - timedelta(microseconds=1)).astimezone(UTC).date()
        async with as_known(source.pool, known) as conn:
            reads = (await network_reads(conn, [country], known)).get(country)
            days = await measured_days(conn, country, first, last + timedelta(days=1), known)
        if reads is None:
            raise ApiNotFound(
                f"Measurements from {country} are not read. The setting network_countries names countries."
            )
        return sent(
            request,
            Network(
                country=country,
                first_day=reads.first_day,
                answered_at=reads.answered_at,
                asked_at=reads.last_at,
                failure=reads.failure,
                days=[_model(one) for one in days],
            ),
        )

    return router


def _model(one: MeasuredDay) -> NetworkDay:
    return NetworkDay(
        domain=one.domain,
        day=one.day,
        opened=one.ok,
        anomalies=one.anomaly,
        confirmed_blocks=one.confirmed,
        failed=one.failure,
        mostly_unreachable=one.is_mostly_unreachable,
    )
