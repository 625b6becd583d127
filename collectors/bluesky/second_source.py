"""Asks the labelers themselves whether restrictions were lifted that the app no longer shows."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from collectors.bluesky.client import BlueskyClient
from collectors.bluesky.wire.label_lists import read_label_page, settled, unproven_lifts
from collectors.bluesky.wire.labels import Labelers
from collectors.core.collector import CollectorAnswer, Exchange
from collectors.core.wire import WireFault

_MOST_PAGES: Final = 5
"""Of 250 rows each. Twenty-five accounts or posts have few; a list that does not end proves nothing."""


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
            (lift, group.create_task(label_list(client, lift.labeler, lift.subjects, now)))
            for lift in unproven_lifts(answer, withheld_in, labelers)
        ]
    for lift, pages in asked:
        answer = settled(answer, lift, pages.result(), labelers)
    return answer


async def label_list(
    client: BlueskyClient, labeler: str, subjects: Sequence[str], now: datetime
) -> tuple[Exchange, ...]:
    """All that the labeler lists about accounts and posts; empty when that was not answered in full."""
    pages: list[Exchange] = []
    cursor: str | None = None
    while len(pages) < _MOST_PAGES:
        answer = await client.label_page(labeler, subjects, cursor, now)
        page = None if isinstance(answer, WireFault) else read_label_page(answer)
        if isinstance(answer, WireFault) or page is None:
            return ()
        pages.append(answer)
        if page.next_cursor is None:
            return tuple(pages)
        cursor = page.next_cursor
    return ()
