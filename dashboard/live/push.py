"""Pushing: one listener per process hears the database, and every browser gets the same small delta at once.

    NOTIFY blockline -> _listen -> _send_news (coalesced) -> a bounded queue per browser -> its websocket
    every second -------------> _tell_rest ---------------------^

NOTIFY carries no data and is not durable: what is new is read by event id, and a browser that missed
something sees it at the ids of the next delta and asks for the rest. When accounts join or leave the watch,
or more happened than is worth telling, the message is "reload" and the browser takes a snapshot.
"""

import asyncio
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from dashboard.asgi.process import WebProcess
from dashboard.live.context_json import context_json, detectors_json
from dashboard.wire.compact_json import Json, accounts_json, kpis_json, ms, news_json, reads_json
from storage.health.collectors_report import collector_reports
from storage.health.conditions import count_open_conditions
from storage.live.kpis import kpis
from storage.live.lists_and_executives import became_known, executives, lists
from storage.live.quiet_accounts import are_grouped
from storage.live.snapshot import accounts, last_event_id
from storage.live.updates import LiveNews, news_since
from storage.model.core.late import late_after
from storage.model.text.units import span
from storage.orders.orders import order_events, orders
from storage.people.sessions import CHANNEL, ended_session
from storage.postgres.pool import Conn, StorageError, listen, transaction
from storage.readings.coverage_report import Request, requests_since

COALESCE_S = 0.25
"""The least time between two messages with news: at most four per second."""
HEARTBEAT_S = 1.0
QUEUE = 50
"""Messages that may wait for one slow browser; then the oldest is dropped and the browser asks again."""
NEWS_LIMIT = 4000
"""With more events than this, the browser loads a snapshot instead."""
COUNT_EVERY = timedelta(seconds=5)
"""By the monitor's clock. Without news the figures are counted again too, because silence changes them."""
CATCH_UP_AT_MOST = timedelta(days=1)
"""A browser that was away for longer loads a snapshot."""
QUIET = "quiet"
"""The part of a snapshot with the groups of quiet accounts. It is there if more accounts are watched
than `DashboardSettings.most_accounts`.
"""
_RENEW_AT_MOST = timedelta(minutes=5)
_RECENT_IF_GROUPED = timedelta(minutes=1)
"""With groups, readings that were recorded later than this are not pushed: the next snapshot has them, and
two sweeps of so many accounts are too much to look through each second.
"""
_RESTS = 9
"""With groups, the figures are not counted again for so many times as long as counting took."""
CONTEXT_TOPICS = frozenset({"order", "order_event"})
LABEL_TOPICS = frozenset({"label"})

_log = logging.getLogger(__name__)


class Hub:
    """Knows what every connected browser has to hear. `run` does the work until it is cancelled."""

    def __init__(self, process: WebProcess) -> None:
        self.process = process
        self._pool = process.pool
        self._clock = process.clock
        self._settings = process.settings
        self._woken = asyncio.Event()
        self._joined = asyncio.Event()
        self._last_event: int | None = None
        self._lost: str | None = None
        """Why news cannot be read; None: it can."""
        self._read_to: datetime | None = None
        self._sent: set[tuple[int, datetime, int]] = set()
        self._has_aged = False
        """The small tables changed without an event: what is dated ahead became known when its time came."""
        self._counted_at: datetime | None = None
        self._count_from: datetime | None = None
        """With groups, when the figures are counted again at the earliest; None: as soon as they are due."""
        self._health_at: datetime | None = None

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._send_news())
                tasks.create_task(self._tell_rest())
        finally:  # also after a fault, so that /readyz and Health say so
            self.process.listening_since = None

    @contextmanager
    def subscribe(self) -> Generator[asyncio.Queue[Json]]:
        """A queue of messages for one browser. What was before is not in it: its first ids tell."""
        queue: asyncio.Queue[Json] = asyncio.Queue(QUEUE)
        self.process.browsers.add(queue)
        self._woken.set()
        self._joined.set()
        try:
            yield queue
        finally:
            self.process.browsers.discard(queue)

    async def _listen(self) -> None:
        pause, failed_at = 1.0, None
        while True:
            try:
                async with listen(self.process.dsn, CHANNEL) as payloads:
                    if failed_at is not None:
                        lasted = span(self._clock() - failed_at)
                        extra = {"event": "push_recovered"}
                        _log.info("The push of changes to browsers recovered after %s", lasted, extra=extra)
                        failed_at = None
                    self.process.listening_since = self._clock()
                    self._woken.set()
                    pause = 1.0
                    async for payload in payloads:
                        self._hear(payload)
            except StorageError as error:
                if failed_at is None and self.process.listening:
                    failed_at = self._clock()
                    _log.warning(
                        "The push of changes to browsers failed: %s", error, extra={"event": "push_failed"}
                    )
                self.process.listening_since = None
            await asyncio.sleep(pause)
            pause = min(15.0, pause * 2)

    def _hear(self, payload: str) -> None:
        session = ended_session(payload)
        if session is None:
            self._woken.set()
        else:
            self.process.sockets.close(session)

    async def _send_news(self) -> None:
        """Send news at once; what follows within `COALESCE_S` is sent together in the next message."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._woken.wait()
            self._woken.clear()
            if not self.process.browsers:
                self._last_event = self._lost = None
                continue
            try:
                async with transaction(self._pool) as conn:
                    to, message = await self._news(conn)
            except StorageError as error:
                self._lost = str(error)
                continue
            self._lost = None
            self._last_event = to
            if message is not None:
                self.broadcast(message)
                await asyncio.sleep(COALESCE_S)

    async def _news(self, conn: Conn) -> tuple[int, Json | None]:
        """The last event that is known now, and what to tell of those since; None: there is nothing."""
        if self._last_event is None:
            return await last_event_id(conn), None
        news = await news_since(conn, self._last_event, NEWS_LIMIT)
        now = self._clock()
        if news is None:
            return await last_event_id(conn), {"now": ms(now), "reload": True}
        if not news.topics and not self._has_aged:
            return self._last_event, None
        if "account" in news.topics:
            return news.live_event_id, {"now": ms(now), "reload": True}
        if news.topics != LABEL_TOPICS:  # no figure counts labels
            self._counted_at = None
        if "collector" in news.topics:
            self._health_at = None
        message: Json = {"now": ms(now), **news_json(news)}
        if await are_grouped(conn, self._settings.most_accounts):
            message |= await _changed_accounts(conn, news)
        if news.topics & CONTEXT_TOPICS or self._has_aged:
            self._has_aged = False
            message |= await context(conn, now)
        return news.live_event_id, message

    async def _tell_rest(self) -> None:
        """Every second: that we are there, what was read, and the figures that time and readings change."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._joined.wait()
            self._joined.clear()
            if not self.process.browsers:
                self._read_to = None
                continue
            message: Json
            try:
                async with transaction(self._pool) as conn:
                    message = await self._rest(conn)
                if self._last_event is not None:  # so that who missed a message notices
                    message |= {"since": self._last_event, "id": self._last_event}
            except StorageError as error:
                message = {"lost": str(error)}
            self.broadcast(message if self._lost is None else {"lost": self._lost})

    async def _rest(self, conn: Conn) -> Json:
        now = self._clock()
        is_grouped = await are_grouped(conn, self._settings.most_accounts)
        recent = now - (_RECENT_IF_GROUPED if is_grouped else 2 * self._settings.sweep_every)
        if self._read_to is None:
            self._read_to = recent
            self._sent.clear()
        if await became_known(conn, self._read_to, now):
            self._has_aged = True
            self._woken.set()
        message: Json = {"now": ms(now)}
        requests = self._untold(await requests_since(conn, min(recent, self._read_to), now))
        message |= {"read_from": ms(self._read_to), "reads": reads_json(requests)}
        self._read_to = now
        is_rested = self._count_from is None or now >= self._count_from
        if is_rested and (requests or _is_due(self._counted_at, now)):
            self._counted_at = now
            began = monotonic_ms()
            message |= await figures(conn, now, self._settings.sweep_every)
            took = timedelta(milliseconds=monotonic_ms() - began)
            self._count_from = now + _RESTS * took if is_grouped else None
        if _is_due(self._health_at, now):
            self._health_at = now
            message |= await health(conn, now, self._settings.sweep_every)
        return message

    def broadcast(self, message: Json) -> None:
        """Give every browser the same message."""
        news: Json = {"beat": monotonic_ms(), **message}
        for queue in self.process.browsers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    def _untold(self, requests: tuple[Request, ...]) -> list[Request]:
        """Those not pushed before. Coverage has no event of its own: most of it is no news."""
        new = [r for r in requests if (r.roster_id, r.slot, r.attempt) not in self._sent]
        self._sent = {(r.roster_id, r.slot, r.attempt) for r in requests}
        return new


def _is_due(counted_at: datetime | None, now: datetime) -> bool:
    return counted_at is None or now - counted_at >= COUNT_EVERY


def monotonic_ms() -> int:
    """Milliseconds on a clock that never jumps: a browser sees by it how late a message is."""
    return round(asyncio.get_running_loop().time() * 1000)


async def context(conn: Conn, now: datetime) -> Json:
    """The small tables as they stand at `now`."""
    return context_json(
        await lists(conn),
        await orders(conn, known_at=now),
        await order_events(conn, known_at=now),
        await executives(conn),
    )


async def figures(conn: Conn, now: datetime, sweep_every: timedelta) -> Json:
    """The figures at the top, which every reading may change."""
    return {"kpis": kpis_json(await kpis(conn, now, sweep_every))}


async def health(conn: Conn, now: datetime, sweep_every: timedelta) -> Json:
    """How the collectors stand, and how many issues are open. It costs more than the figures, and changes
    less often.
    """
    reports, issues = await collector_reports(conn, now), await count_open_conditions(conn)
    return {"detectors": detectors_json(reports, now, late_after(sweep_every), issues)}


def renew_after(gap_after: timedelta) -> timedelta:
    """After how long the groups of quiet accounts are counted again, and an open page fetches them again."""
    return min(_RENEW_AT_MOST, gap_after / 12)


async def catch_up(
    conn: Conn, since: int, read_to: datetime, now: datetime, sweep_every: timedelta, most_accounts: int
) -> Json:
    """What one browser missed after event `since` and the requests of `read_to`, as a push would say it."""
    if await are_grouped(conn, most_accounts):
        if now - read_to > _RENEW_AT_MOST:
            return _reload(now)
        # A page without a websocket gets its figures here only, and waits until they are counted.
        news = await news_with_accounts(conn, since, read_to, now, sweep_every, None)
        return news if "reload" in news else news | await figures(conn, now, sweep_every)
    news = await news_since(conn, since, NEWS_LIMIT)
    if news is None or "account" in news.topics or now - read_to > CATCH_UP_AT_MOST:
        return _reload(now)
    return {
        **await _news(conn, news, read_to, now, None),
        **await figures(conn, now, sweep_every),
        **await health(conn, now, sweep_every),
    }


async def news_with_accounts(
    conn: Conn,
    since: int,
    read_to: datetime,
    now: datetime,
    sweep_every: timedelta,
    roster_ids: Sequence[int] | None,
) -> Json:
    """What came after event `since`, with the accounts of the changes; of readings those of `roster_ids`
    (None: all). It has no figures: they take too long to be counted for each browser that opens the page, and
    the push brings them.
    """
    news = await news_since(conn, since, NEWS_LIMIT)
    if news is None or "account" in news.topics:
        return _reload(now)
    return {
        **await _news(conn, news, read_to, now, roster_ids),
        **await _changed_accounts(conn, news),
        **await health(conn, now, sweep_every),
    }


def _reload(now: datetime) -> Json:
    return {"beat": monotonic_ms(), "now": ms(now), "reload": True}


async def _news(
    conn: Conn, news: LiveNews, read_to: datetime, now: datetime, roster_ids: Sequence[int] | None
) -> Json:
    message = {"beat": monotonic_ms(), "now": ms(now), **news_json(news)}
    if news.topics & CONTEXT_TOPICS or await became_known(conn, read_to, now):
        message |= await context(conn, now)
    reads = await requests_since(conn, read_to, now, roster_ids)
    return {**message, "read_from": ms(read_to), "reads": reads_json(reads)}


async def _changed_accounts(conn: Conn, news: LiveNews) -> Json:
    """The accounts of these changes, some of which were quiet until now: pages know those as groups only."""
    if not news.changes:
        return {}
    changed = sorted({c.account_id for c in news.changes})
    return {"accounts": accounts_json(await accounts(conn, changed))}
