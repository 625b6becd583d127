"""Asks the labelers themselves whether restrictions were lifted that the app no longer shows."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from collectors.bluesky.client import BlueskyClient
from collectors.bluesky.wire.label_lists import UnprovenLift, read_label_page, settled, unproven_lifts
from collectors.bluesky.wire.labels import Labelers
from collectors.core.collector import CollectorAnswer, Exchange
from collectors.core.wire import WireFault

_MOST_PAGES: Final = 5
"""Of 250 rows each. Twenty-five accounts have few labels; a list that does not end proves nothing."""


async def verify_lifts(
    client: BlueskyClient,
    answer: CollectorAnswer,
    withheld_in: Mapping[str, frozenset[str]],
    labelers: Labelers,
    now: datetime,
) -> CollectorAnswer:
    """See `Collector.verify_lifts`. No labeler is asked as long as every lift is proven."""
    async with asyncio.TaskGroup() as group:
        asked = [
            (lift, group.create_task(_list(client, lift, now)))
            for lift in unproven_lifts(answer, withheld_in, labelers)
        ]
    for lift, pages in asked:
        answer = settled(answer, lift, pages.result(), labelers)
    return answer


async def _list(client: BlueskyClient, lift: UnprovenLift, now: datetime) -> tuple[Exchange, ...]:
    """All that the labeler lists about the accounts; empty when that was not answered in full."""
    pages: list[Exchange] = []
    cursor: str | None = None
    while len(pages) < _MOST_PAGES:
        answer = await client.label_page(lift.labeler, lift.dids, cursor, now)
        page = None if isinstance(answer, WireFault) else read_label_page(answer)
        if isinstance(answer, WireFault) or page is None:
            return ()
        pages.append(answer)
        if page.next_cursor is None:
            return tuple(pages)
        cursor = page.next_cursor
    return ()
