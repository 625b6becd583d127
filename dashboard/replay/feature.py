"""The Replay page and the page of other rules: what is read for them, and their routes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.replay.film import FilmCache
from dashboard.replay.film_routes import film_routes
from dashboard.replay.page import ReplayMoment, moment_of, replay_page
from dashboard.replay.reevaluation import ReevaluationRuns, Reevaluator
from dashboard.replay.reevaluation_page import read_reevaluation_page, reevaluation_page
from dashboard.replay.reevaluation_routes import reevaluation_routes
from dashboard.replay.video_export import MOST_BYTES
from dashboard.replay.video_export_routes import PATH, clip_routes
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest
from storage.health.status_at import status_at
from storage.postgres.pool import Pool
from storage.postgres.recording_order import settle


def replay(process: WebProcess, decider: Reevaluator) -> Feature:
    films = FilmCache(process.pool, process.clock, process.settings, begin_after=process.live_made)
    runs = ReevaluationRuns(decider, process.clock)
    return Feature(
        pages=(replay_pages(runs),),
        routers=(
            film_routes(process.pool, process.clock, process.settings, films),
            reevaluation_routes(process.pool, runs),
            clip_routes(),
        ),
        tasks=(films.run, runs.run),
        largest={PATH: MOST_BYTES},
    )


def replay_pages(runs: ReevaluationRuns) -> Page:
    return Page(
        path="replay",
        title="Replay",
        help="how-to/replay",
        read=partial(_replay, runs),
        icon="play",
        settle=_settle,
    )


async def _settle(pool: Pool, more: Sequence[str], query: Mapping[str, str], now: datetime) -> datetime:
    asked_for = moment_of(query, now)
    if not more and isinstance(asked_for, ReplayMoment) and asked_for.known_at is not None:
        await settle(pool, asked_for.known_at)
    return now


async def _replay(runs: ReevaluationRuns, asked: PageRequest) -> Drawing | None:
    """The page of a moment, or that of re-evaluation; None for any other address."""
    query = asked.query
    match asked.more:
        case []:
            asked_for = moment_of(query, asked.now)
            if not isinstance(asked_for, ReplayMoment):
                return partial(replay_page, query, asked_for, asked.now)
            sweep_every = asked.settings.sweep_every
            status = await status_at(asked.conn, asked_for.at, asked_for.known_at, sweep_every)
            return partial(replay_page, query, status, asked.now)
        case ["rules"]:
            found = await read_reevaluation_page(asked.conn, runs, query)
            return partial(reevaluation_page, found, query, asked.actor, asked.tag)
        case _:
            return None
