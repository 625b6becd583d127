"""The first answer to an open live page: a snapshot that was made before, and what came after it.

A snapshot of each range that is looked at is kept, and every answer carries with it all that the browser
would have been pushed since; its event ids say what it knows.
"""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import cast

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.settings import DashboardSettings
from dashboard.live.context_json import context_json, detectors_json
from dashboard.live.push import QUIET, catch_up, context, news_with_accounts, renew_after
from dashboard.wire.columnar import TABLES
from dashboard.wire.compact_json import Json, ms, snapshot_json, span_ms
from dashboard.wire.response_cache import AnswerCache, CachedAnswer
from storage.health.collectors_report import collector_reports
from storage.health.conditions import count_open_conditions
from storage.live.earlier_changes import before
from storage.live.kpis import kpis
from storage.live.snapshot import snapshot
from storage.postgres.pool import Conn
from storage.postgres.replica import snapshot as one_moment

RANGES = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "30d": timedelta(days=30),
    "1y": timedelta(days=365),
    "all": None,
}
USUAL = "14d"
"""The range that a page shows when its address names none."""
STRIP = timedelta(days=30)
"""How far back the strip above the board goes at least."""
STRIP_STEP = timedelta(minutes=15)
"""What is counted by it falls into the bins of `dashboard/assets/board/bins.mjs`."""


async def live_json(conn: Conn, range_name: str, now: datetime, settings: DashboardSettings) -> Json:
    """The live page of one range. Raises KeyError for a range that is not in `RANGES`."""
    span = RANGES[range_name]
    start = None if span is None else now - span
    shot = await snapshot(conn, start, now, settings.gap_after, settings.most_accounts)
    counts = await kpis(conn, now, settings.sweep_every)
    since = now - span if span is not None else shot.earliest or now
    earlier = await before(conn, min(since, now - STRIP), since, STRIP_STEP)
    collectors, issues = await collector_reports(conn, now), await count_open_conditions(conn)

    def encoded() -> Json:
        renew = {} if shot.quiet is None else {"renew": span_ms(renew_after(settings.gap_after))}
        return {
            **renew,
            **snapshot_json(shot, counts, now, since, settings.sweep_every, settings.gap_after),
            **context_json(shot.lists, shot.orders, shot.events, shot.executives),
            "detectors": detectors_json(collectors, now, settings.late_after, issues),
            "before": {
                "from": ms(earlier.since),
                "step": span_ms(earlier.step),
                "blocked": earlier.blocked,
                "restored": earlier.restored,
            },
        }

    return await off_loop(encoded)  # of thousands of accounts it takes a while


class LiveSnapshotCache(AnswerCache):
    """Answers for open pages, by range."""

    usual = USUAL
    tables = TABLES

    async def body(self, conn: Conn, name: str, now: datetime) -> Json:
        return await live_json(conn, name, now, self.settings)

    def reading(self) -> AbstractAsyncContextManager[Conn]:
        """One moment, so that no account is counted as quiet and as changed; and as long as it takes."""
        return one_moment(self.pool)

    def rosters(self, body: Json) -> frozenset[str]:
        return frozenset(cast("dict[str, dict[str, object]]", body["coverage"])["rosters"])

    def lasting(self, body: Json) -> tuple[timedelta, timedelta]:
        """Of quiet accounts nothing is sent between two answers, so that these must follow one another."""
        usual = super().lasting(body)
        if QUIET not in body:
            return usual
        gap_after = self.settings.gap_after
        return renew_after(gap_after), min(usual[1], gap_after / 4)

    async def since(self, conn: Conn, kept: CachedAnswer, now: datetime) -> Json:
        """What was sent to browsers since this snapshot, and all small parts again."""
        sweep = self.settings.sweep_every
        if QUIET in kept.parts:
            if now - kept.at > kept.lasts:
                return {"reload": True}
            rosters = list(map(int, kept.rosters))
            return await news_with_accounts(conn, kept.event_id, kept.at - 2 * sweep, now, sweep, rosters)
        # Readings of the last two sweeps may have been recorded after others: they are sent again.
        most = self.settings.most_accounts
        news = await catch_up(conn, kept.event_id, kept.at - 2 * sweep, now, sweep, most)
        return news if "reload" in news else news | await context(conn, now)

    def lacks(self, kept: CachedAnswer, news: Json) -> bool:
        if QUIET in kept.parts:  # its news brings the accounts that the page lacks
            return "reload" in news
        changes = cast("dict[str, list[object]]", news.get("changes", {"account": []}))
        reads = cast("list[list[object]]", news.get("reads", []))
        return (
            "reload" in news
            or not kept.accounts.issuperset(changes["account"])
            or not kept.rosters.issuperset(str(roster) for roster, _, _, single in reads if single is None)
        )
