"""The labels of a labeler over real sockets: replayed, verified, and lost connections said to be so."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.labeler_feed import LabelerFeed
from collectors.bluesky.simulator.labeler import SimulatedLabeler, outdated_cursor
from collectors.bluesky.simulator.labeler_app import LabelerServer, serve_labeler
from collectors.bluesky.simulator.labeler_signing import did_key
from collectors.core.abilities import StreamLost
from collectors.transport.client import Http, HttpOptions, NoAnswer, Retry
from collectors.transport.ssrf_guard import Guard
from storage.model.core.labels import LabelBatch, LabelGap, LabelRefusal
from tests.support.samples.label_signing import KEY, LABELER, LATER_KEY, POST, SUBJECT
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)
ONCE = HttpOptions(retry=Retry(attempts=0))


class Now:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = T0 + 9 * HOUR

    def __call__(self) -> datetime:
        return self.at


@asynccontextmanager
async def feeding(
    labeler: SimulatedLabeler, http: HttpOptions = ONCE
) -> AsyncGenerator[tuple[LabelerServer, LabelerFeed, Now]]:
    async with (
        serve_labeler(labeler) as server,
        BlueskyCollector(
            app_view=server.base_url, plc=server.base_url, regions={"TR": LABELER}, http=http
        ) as collector,
    ):
        yield server, collector.label_feed(), Now()


async def take(news: AsyncGenerator[LabelBatch | LabelGap | None], count: int) -> list[LabelBatch | LabelGap]:
    found: list[LabelBatch | LabelGap] = []
    while len(found) < count:
        one = await anext(news)
        if one is not None:
            found.append(one)
    return found


def labeler(*subjects: str) -> SimulatedLabeler:
    one = SimulatedLabeler(LABELER, KEY, T0)
    for subject in subjects:
        one.put(subject, "!hide", T0)
    return one


def subjects(batches: list[LabelBatch | LabelGap]) -> list[str]:
    return [label.subject for one in batches if isinstance(one, LabelBatch) for label in one.labels]


async def test_a_key_that_was_changed_meanwhile_is_looked_up_before_a_label_is_called_forged() -> None:
    async with (
        feeding(labeler(SUBJECT)) as (server, feed, now),
        aclosing(feed.stream(LABELER, 0, now)) as news,
    ):
        await take(news, 1)
        now.at += HOUR / 2
        server.labeler.rotate(LATER_KEY, now.at)
        server.labeler.put(POST, "!hide", now.at)
        server.announce()
        (second,) = await take(news, 1)
    assert isinstance(second, LabelBatch)
    assert [one.signed_by for one in second.labels] == [did_key(LATER_KEY)]
    assert not second.refused


async def test_a_forged_label_is_kept_apart_and_those_beside_it_count() -> None:
    one = labeler(SUBJECT)
    one.put(POST, "!hide", T0, forged=True)
    async with feeding(one) as (_, feed, now), aclosing(feed.listing(LABELER, now)) as pages:
        first = await anext(pages)
    assert subjects([first]) == [SUBJECT]
    assert [refused.reason for refused in first.refused] == [LabelRefusal.FORGED]


async def test_a_list_that_is_refused_is_no_empty_list() -> None:
    one = labeler(SUBJECT)
    one.lists_everything = False
    async with feeding(one) as (_, feed, now), aclosing(feed.listing(LABELER, now)) as pages:
        with pytest.raises(StreamLost, match=r"refused .*HTTP 400"):
            await anext(pages)


async def test_a_cursor_that_is_too_old_is_a_gap_and_the_stream_goes_on() -> None:
    one = labeler(SUBJECT, POST)
    one.forget(1)
    async with feeding(one) as (_, feed, now), aclosing(feed.stream(LABELER, 0, now)) as news:
        gap, batch = await take(news, 2)
    assert gap is LabelGap.OUTDATED_CURSOR
    assert subjects([batch]) == [POST]


async def test_a_cursor_that_the_labeler_has_not_reached_is_a_gap_and_ends_the_stream() -> None:
    async with feeding(labeler(SUBJECT)) as (_, feed, now), aclosing(feed.stream(LABELER, 99, now)) as news:
        assert await take(news, 1) == [LabelGap.FUTURE_CURSOR]
        with pytest.raises(StreamLost, match="FutureCursor"):
            await take(news, 1)


async def test_a_message_that_cannot_be_read_is_a_gap_and_the_stream_goes_on() -> None:
    async with (
        feeding(labeler(SUBJECT)) as (server, feed, now),
        aclosing(feed.stream(LABELER, 0, now)) as news,
    ):
        await take(news, 1)
        await server.send(b"\xff")
        await server.send(outdated_cursor())
        assert await take(news, 2) == [LabelGap.UNREADABLE_MESSAGE, LabelGap.OUTDATED_CURSOR]


async def test_a_stream_that_breaks_before_it_says_anything_was_not_heard() -> None:
    """Otherwise one that breaks at each attempt would look connected."""
    async with (
        feeding(labeler(SUBJECT)) as (server, feed, now),
        aclosing(feed.stream(LABELER, 1, now)) as news,
    ):

        async def poison() -> None:
            await server.connected(1)
            await server.send(bytes(6 * 1024 * 1024))

        sending = asyncio.ensure_future(poison())
        with pytest.raises(StreamLost):
            await anext(news)
        with suppress(ConnectionError):
            await sending


async def test_without_the_keys_of_the_labeler_nothing_is_read() -> None:
    unknown = SimulatedLabeler("did:plc:other222222222222222222", KEY, T0)
    async with feeding(unknown) as (_, feed, now), aclosing(feed.stream(LABELER, 0, now)) as news:
        with pytest.raises(StreamLost, match="keys of the labeler are not known"):
            await anext(news)


async def test_a_labeler_in_a_private_network_is_not_asked() -> None:
    """The server of a labeler is named by its own document."""
    async with serve_labeler(labeler(SUBJECT)) as private:
        public = labeler(SUBJECT)
        guarded = HttpOptions(retry=Retry(attempts=0), guard=Guard())
        async with feeding(public, guarded) as (server, feed, now):
            server.named_server = private.base_url
            async with aclosing(feed.stream(LABELER, 0, now)) as news:
                with pytest.raises(StreamLost, match="cannot be reached"):
                    await anext(news)
            assert private.cursors == []


async def test_a_websocket_follows_no_redirect() -> None:
    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/inside"})

    asked: list[str] = []
    runner = web.ServerRunner(web.Server(elsewhere))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with Http(ONCE) as http:
            with pytest.raises(NoAnswer):
                await http.websocket(f"http://127.0.0.1:{port}/", heartbeat_s=9, largest=99)
    finally:
        await runner.cleanup()
    assert asked == ["/"]


def test_a_labeler_without_a_public_log_of_its_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="no public log"):
        BlueskyCollector(regions={"TR": "did:web:labeler.example"}).label_feed()
