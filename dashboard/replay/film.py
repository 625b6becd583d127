"""The replay film: all that is on file of the accounts, and when it came there, as one answer.

Who has it can be shown any moment, as it was or as it was known, without asking again. The whole film is kept
and every answer carries what came since; a part of it is made when it is asked for.
"""

import gzip
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.settings import DashboardSettings
from dashboard.live.push import CATCH_UP_AT_MOST, NEWS_LIMIT
from dashboard.replay.film_json import (
    FILM_TABLES,
    FilmDictionary,
    accounts_json,
    beliefs_json,
    film_changes_json,
    film_signals_json,
    looks_json,
    mails_json,
    members_json,
    pace_json,
    papers_json,
    reads_json,
    steps_json,
    watched_json,
)
from dashboard.wire.columnar import pack
from dashboard.wire.compact_json import Json, up
from dashboard.wire.response_cache import LEVEL, AnswerCache, CachedAnswer
from storage.executives.executives_report import access_spans
from storage.live.lists_and_executives import executives, signals
from storage.live.snapshot import LiveChange, last_event_id
from storage.live.updates import LiveNews, news_since
from storage.model.bitemporal.read_runs import Reads, UsualPace, joined, pace
from storage.model.core.accounts import Platform
from storage.orders.edit_history import editions
from storage.orders.orders import order_events, orders
from storage.postgres.pool import Conn
from storage.postgres.replica import snapshot
from storage.replay.film import (
    FilmSpell,
    Nearer,
    beliefs,
    film_accounts,
    film_changes,
    film_lists,
    film_mails,
    memberships,
    nearer,
    watches,
    whose,
)
from storage.replay.film_reads import Fill, film_reads, looks_since, weeks

WHOLE = "whole"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FilmSelection:
    """Which part of the film is asked for."""

    since: datetime | None = None
    until: datetime | None = None
    list_id: int | None = None


@dataclass(slots=True)
class WeeklyReadsCache:
    """What was read in each week, which changes only when something is recorded late."""

    kept: dict[datetime, tuple[Fill, Reads]] = field(default_factory=dict[datetime, tuple[Fill, Reads]])

    async def reads(self, conn: Conn, until: datetime, usual: UsualPace) -> Reads:
        """All that was read by `until`. Only weeks of which something was recorded since are read again."""
        now = await weeks(conn)
        for week, fill in now.items():
            if week not in self.kept or self.kept[week][0] != fill:
                planned = week, week + timedelta(days=7)
                self.kept[week] = fill, await film_reads(conn, planned, until, usual)
        self.kept = {week: self.kept[week] for week in now}
        return await off_loop(joined, [reads for _, reads in self.kept.values()], usual)


async def film_json(
    conn: Conn,
    part: FilmSelection,
    now: datetime,
    settings: DashboardSettings,
    kept: WeeklyReadsCache | None = None,
) -> Json:
    """The film up to `now`, or the part of it that is asked for, with the words and rules to read it by.

    `kept` is what was read, as far as it is known from before; only of the whole film, up to the present.
    """
    until = now if part.until is None else min(now, part.until)
    event_id = await last_event_id(conn)
    accounts = await film_accounts(conn, part.list_id)
    ids = [a.account_id for a in accounts]
    platforms = {a.account_id: a.platform for a in accounts}
    usual = pace(settings.sweep_every)
    if kept is None:
        # A part's readings begin before it, so that its first moment shows who was read lately.
        before = settings.gap_after + 2 * settings.sweep_every + _DAY
        planned = (BEGINNING if part.since is None else part.since - before), until + _DAY
        reads = await film_reads(conn, planned, until, usual, None if part.list_id is None else ids)
    else:
        reads = await kept.reads(conn, until, usual)
    history = await _film_history(conn, ids, until)
    watched, members = await watches(conn, ids), await memberships(conn, ids)
    rest: Json = {
        "signals": film_signals_json([s for s in await signals(conn, BEGINNING, ()) if s.at <= until]),
        "mails": mails_json(await film_mails(conn, until)),
        **await _papers(conn),
    }

    def encoded() -> Json:
        said = FilmDictionary()
        body: Json = {
            "id": event_id,
            "now": up(until),
            **pace_json(settings.sweep_every, settings.gap_after, usual),
            "accounts": accounts_json(accounts),
            **reads_json(reads),
            **history.as_json(platforms, said),
            "watched": watched_json(watched),
            "members": members_json(members),
            **rest,
            **said.as_json,
        }
        return {**body, "from": _beginning(body) if part.since is None else up(part.since)}

    return await off_loop(encoded)  # of thousands of accounts it takes a second


@dataclass(frozen=True, slots=True)
class _FilmHistory:
    """All that was ever held and recorded of some accounts."""

    beliefs: Sequence[FilmSpell]
    changes: Sequence[LiveChange]
    steps: Sequence[Nearer]

    def as_json(self, platforms: Mapping[int, Platform], said: FilmDictionary) -> Json:
        return {
            "spells": beliefs_json(self.beliefs, platforms, said),
            "changes": film_changes_json(self.changes, said),
            "steps": steps_json(self.steps),
        }


async def _film_history(conn: Conn, ids: Sequence[int], until: datetime) -> _FilmHistory:
    return _FilmHistory(
        await beliefs(conn, ids, until), await film_changes(conn, ids, until), await nearer(conn, ids)
    )


async def _papers(conn: Conn) -> Json:
    return papers_json(
        await film_lists(conn),
        await editions(conn, await orders(conn)),
        await order_events(conn, None),
        await executives(conn),
        await access_spans(conn),
    )


def _beginning(body: Json) -> int:
    """The earliest time of which the film shows anything."""
    spells, runs = (cast("dict[str, list[int]]", body[name]) for name in ("spells", "runs"))
    return min([cast("int", body["now"]), *spells["from"], *runs["a"]])


@dataclass(slots=True)
class FilmCache(AnswerCache):
    """The whole film, kept current."""

    weeks: WeeklyReadsCache = field(default_factory=WeeklyReadsCache)
    usual = WHOLE
    tables = FILM_TABLES

    def reading(self) -> AbstractAsyncContextManager[Conn]:
        return snapshot(self.pool, limited=True)

    async def body(self, conn: Conn, name: str, now: datetime) -> Json:
        del name  # there is one
        return await film_json(conn, FilmSelection(), now, self.settings, self.weeks)

    def rosters(self, body: Json) -> frozenset[str]:
        return frozenset(cast("dict[str, object]", body["rosters"]))

    async def since(self, conn: Conn, kept: CachedAnswer, now: datetime) -> Json:
        """The news since it was made; accounts with news are sent whole."""
        news = await news_since(conn, kept.event_id, NEWS_LIMIT)
        if news is None or "account" in news.topics or now - kept.at > CATCH_UP_AT_MOST:
            return {"reload": True}
        mails = await film_mails(conn, now, [m.mail_id for m in news.mails]) if news.mails else ()
        reported = [c for m in mails for c in m.change_ids]
        touched = sorted({*_touched(news), *await whose(conn, reported)} & kept.accounts)
        platforms = {a.account_id: a.platform for a in await film_accounts(conn, None)} if touched else {}
        said = FilmDictionary()
        # Readings of the last two sweeps may have been recorded after others: they are sent again.
        looks = await looks_since(conn, kept.at - 2 * self.settings.sweep_every, now)
        return {
            "id": news.live_event_id,
            "now": up(now),
            "touched": touched,
            **(await _film_history(conn, touched, now)).as_json(platforms, said),
            "signals": film_signals_json(news.signals),
            "mails": mails_json(mails),
            "renames": news.renamed,
            "reads": looks_json(looks),
            **await _papers(conn),
            **said.as_json,
        }

    def lacks(self, kept: CachedAnswer, news: Json) -> bool:
        reads = cast("list[list[object]]", news.get("reads", []))
        return "reload" in news or not kept.rosters.issuperset(
            str(roster) for roster, _, _, answered in reads if answered is None
        )


def _touched(news: LiveNews) -> set[int]:
    return {c.account_id for c in news.changes} | {s.account_id for s in news.spells}


async def film_selection(
    conn: Conn, part: FilmSelection, now: datetime, settings: DashboardSettings
) -> bytes:
    """A part of the film, packed and compressed by gzip."""
    body = await film_json(conn, part, now, settings)
    # It may be nearly all of the film, and the best compression takes ten times as long for a hundredth.
    return await off_loop(lambda: gzip.compress(pack(body, FILM_TABLES), LEVEL, mtime=0))
