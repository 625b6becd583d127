"""What others say of a country: OONI of its networks, and labelers of what they withhold there."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel, fields_of
from dashboard.api.paging import Page, key_in, page, sent
from dashboard.api.parameter_types import AsKnownAt, Country, CursorText, From, Limit, To
from dashboard.api.problem_responses import NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, ordered, past
from dashboard.countries.network_page import SHOWN
from storage.countries.label_census import (
    LabeledSubject,
    LabelerStatus,
    LabelFilter,
    LabelPosition,
    labeled_subjects,
    labelers,
)
from storage.countries.measured_networks import measured_days, network_reads
from storage.model.core.accounts import Platform
from storage.model.core.labels import LabeledKind, LabelGap
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import transaction
from storage.postgres.recording_order import as_known


class NetworkDay(ApiModel):
    """Measurements of one domain on one day (UTC). They say nothing about any account."""

    domain: str
    day: date
    opened: int
    anomalies: int
    """Something differed from the same try elsewhere: a block, or a fault of the network or the site."""
    confirmed_blocks: int
    """OONI recognises the block, for example by a page that says so."""
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


class Label(ApiModel):
    """What a labeler states about one account, post or other record. It never sets a status."""

    label_id: int
    """The number of the newest label with this value."""
    labeler: str
    """The labeler's own id on its platform."""
    country: str
    """The country for which the labeler withholds."""
    kind: LabeledKind
    subject: str
    """The platform's id of the account, or the address of the record."""
    value: str
    stated_at: datetime
    """When the newest label was made, as the labeler claims."""
    since: datetime | None
    """Since when the label holds, or held last, as the labeler claims. Null: only its withdrawal is known."""
    lifted_at: datetime | None
    """When the labeler withdrew it, as it claims, or when it expired. Null: nothing says that it ended."""
    first_received_at: datetime
    """When Blockline received the first label with this value about the subject."""
    account_id: int | None
    """Blockline's number of the account or post. Null: it is not stored, and nothing was read about it."""
    handle: str | None
    """Null: it is not stored."""
    watched: bool
    profile_handle: str | None
    """The handle that the public profile of the account, or of the author of a post, showed at
    `profile_read_at`. Null: none was shown, or it was not read.
    """
    profile_followers: int | None
    """How many followers the profile showed. Null: as `profile_handle`."""
    profile_is_shown: bool | None
    """Whether a profile was shown. If not, nothing says why. Null: it was not read, or the subject names no
    account.
    """
    profile_read_at: datetime | None


class Labeler(ApiModel):
    """How far a labeler was read. What is missing of it is missing in `/labels`."""

    labeler: str
    platform: Platform
    country: str
    began_at: datetime
    """When collecting its labels began."""
    ended_at: datetime | None
    """When collecting ended. Null: it goes on."""
    heard_at: datetime | None
    """Until when its stream was received. Null: it never was."""
    lost_at: datetime | None
    """Since when its stream is not connected. Null: it is, or it never was."""
    listed_at: datetime | None
    """When its whole list was last read. Null: it never was, so labels may be missing."""
    gap: LabelGap | None
    """Why labels may be missing since its list was last read. Null: nothing says so."""
    gap_at: datetime | None
    complete: bool
    """Whether its whole list was read, and nothing says that labels are missing since."""
    refused: int
    """Labels that count for nothing, because it is not known to have signed them. Up to 1,000."""
    refused_dropped: int
    """Further ones, which are no longer kept. One that was sent again counts again."""


class LabelerList(ApiModel):
    """All labelers whose labels are, or were, collected."""

    items: list[Labeler]


OfKind = Annotated[LabeledKind | None, Query(description="Only labels about this kind of subject.")]
OfCountry = Annotated[Country | None, Query(description="Only labels of the labelers of this country.")]
Lifted = Annotated[
    bool | None, Query(description="True: only those that ended. False: only those that hold.")
]
Watched = Annotated[
    bool | None,
    Query(description="True: only about watched accounts and posts. False: only about others."),
]

Relabeled = Annotated[
    bool | None,
    Query(description="True: only those that were lifted and attached again. False: those not known to be."),
]


def label_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["labels"])

    @router.get("/labels", response_model=Page[Label])
    async def list_labels(
        request: Request,
        country: OfCountry = None,
        kind: OfKind = None,
        lifted: Lifted = None,
        watched: Watched = None,
        relabeled: Relabeled = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List what labelers withhold or withheld, the newest label first. A label that arrives meanwhile
        replaces an earlier one of its subject, and may come before the page that is asked for. `/labelers`
        says what may be missing.
        """
        before = key_in(request, cursor)
        wanted = LabelFilter(country, kind, lifted, watched, relabeled)
        after = None if before is None else LabelPosition(*before)
        async with transaction(source.pool) as conn:
            rows = await labeled_subjects(conn, wanted, after, limit + 1, source.clock())
        return page(request, rows, limit, _label, lambda row: (row.stated_at, row.label_id))

    @router.get("/labelers", response_model=LabelerList)
    async def list_labelers(request: Request, country: OfCountry = None) -> Response:
        """List the labelers whose labels are collected, with what may be missing. Empty: none are."""
        async with transaction(source.pool) as conn:
            found = await labelers(conn, country)
        return sent(request, LabelerList(items=[_labeler(one) for one in found]))

    return router


def _label(one: LabeledSubject) -> Label:
    return Label.model_validate({**fields_of(one), "watched": one.is_watched})


def _labeler(one: LabelerStatus) -> Labeler:
    return Labeler.model_validate({**fields_of(one), "complete": one.is_complete})


def network_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["networks"])

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
