"""Published figures of a country, and what was seen there, as JSON: over HTTP and for the command line."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.countries import published_words
from dashboard.wire.compact_json import Json
from storage.countries.label_census import LabelHalfYear, label_half_years
from storage.countries.published_report import claimed
from storage.model.orders.published_vs_observed import (
    Claimed,
    HalfYearTally,
    ObservedFigures,
    ObservedPosts,
    Recorded,
    demands,
    disagreements,
)
from storage.model.orders.transparency_figures import TransparencyReport
from storage.model.text.countries import country_name
from storage.postgres.pool import Pool, StorageError, transaction


def claimed_json(
    country: str, found: Sequence[Claimed], labels: Sequence[LabelHalfYear], now: datetime
) -> Json:
    """Newest half-year first. What was not reported or not observed is null, never 0. Only `observed_posts`
    counts posts.
    """
    return {
        "country": country,
        "name": country_name(country),
        "at": _time(now),
        "half_years": [_half(c, country) for c in found],
        "labels": [_labels(one) for one in labels],
        "what_it_does_not_say": published_words.WHAT_IT_DOES_NOT_SAY,
    }


def _half(found: Claimed, country: str) -> Json:
    return {
        "platform": found.platform.value,
        "period": found.half.name,
        "from": _time(found.half.start),
        "to": _time(found.half.end),
        "published": [_report(r) for r in found.published],
        "disagreements": {name: list(values) for name, values in disagreements(found).items()},
        "observed": None if found.own is None else _own(found.own),
        "observed_posts": None if found.posts is None else _posts(found.posts),
        "recorded_by_others": None if found.recorded is None else _recorded(found.recorded),
        "sentences": [
            f"{said.who}: {line}"
            for said in published_words.observer_summaries(found, country)
            for line in (f"{said.head}.", *said.lines)
        ],
    }


def _labels(one: LabelHalfYear) -> Json:
    return {
        "period": one.half.name,
        "accounts_added": one.accounts_added,
        "accounts_lifted": one.accounts_lifted,
        "posts_added": one.posts_added,
        "posts_lifted": one.posts_lifted,
    }


def _report(report: TransparencyReport) -> Json:
    return {
        "source": report.source,
        "source_url": report.source_url,
        "country": report.country,
        "demands": demands(report),
        "court_orders": report.court_orders,
        "other_legal_demands": report.other_legal_demands,
        "total_demands": report.total_demands,
        "accounts_specified": report.accounts_specified,
        "accounts_withheld": report.accounts_withheld,
        "tweets_withheld": report.tweets_withheld,
        "accounts_tos": report.accounts_tos,
        "pct_some_withheld": report.pct_some_withheld,
    }


def _own(own: ObservedFigures) -> Json:
    return {
        "watched": own.watched,
        "named_by_orders_of_the_country": own.named,
        "first_reading_at": _time(own.looked.first),
        "last_reading_at": _time(own.looked.last),
        "days_with_readings": own.looked.days,
        "days": own.looked.of_days,
        "became_withheld": _tally(own.withheld),
        "came_back": _tally(own.restored),
    }


def _posts(posts: ObservedPosts) -> Json:
    return {
        "watched": posts.watched,
        "became_withheld": _tally(posts.withheld),
        "came_back": _tally(posts.restored),
    }


def _recorded(recorded: Recorded) -> Json:
    return {
        "sources": list(recorded.sources),
        "became_withheld": _tally(recorded.withheld),
        "came_back": _tally(recorded.restored),
    }


def _tally(tally: HalfYearTally) -> Json:
    return {
        "at_least": tally.low,
        "at_most": tally.high,
        "first_seen": tally.first_seen,
        "at_first_look": tally.at_first_look,
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def claimed_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/countries/{code}/published`, with a code such as IN."""
    router = APIRouter()

    @router.get("/api/countries/{code}/published")
    async def published(code: str) -> Response:
        now = clock()
        try:
            async with transaction(pool) as conn:
                found, labels = await claimed(conn, code, now), await label_half_years(conn, code, now)
        except StorageError as error:
            return refusal(503, str(error))
        if not found and not labels:
            return refusal(404, "No data for this country. Use a two-letter code such as IN.")
        return JSONResponse(claimed_json(code, found, labels, now))

    return router
