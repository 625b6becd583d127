"""The lookup of accounts or of posts by id: one request, and the search for an id that X refuses."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from collectors.core.bisect_batch import find_rejected
from collectors.core.collector import Exchange, RequestFailure
from collectors.core.wire import NotAsked, WireFault
from collectors.transport.client import RawAnswer
from collectors.x.client import LOOKUP, POSTS, XClient
from collectors.x.declaration import post_of
from collectors.x.wire.posts import read_posts
from collectors.x.wire.users import Lookup, all_missed, read_lookup
from storage.model.core.availability import MissedReason

_BISECT_REQUESTS: Final = 15
"""Enough to isolate one malformed id among a hundred."""

_REQUEST_ID: Final = "x-transaction-id"


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """One request and what came of it. `sent` is False when nothing was asked: a pause, or a budget."""

    lookup: Lookup
    exchanges: tuple[Exchange, ...]
    trouble: RequestFailure | None
    sent: bool = True


async def look_up(client: XClient, ids: Sequence[str], now: datetime) -> LookupAnswer:
    """What X says about at most a hundred ids, all of accounts or all of posts. When X refuses them for a
    malformed one, that one is found and the rest asked again: what is believed comes from one answer, so that
    the control accounts or posts in it speak for all of it.
    """
    began_s = asyncio.get_running_loop().time()
    said = await _ask(client, ids, now, began_s)
    if said.trouble is None or said.trouble.reason is not MissedReason.BAD_REQUEST or len(ids) == 1:
        return said

    async def ask(part: Sequence[str]) -> RequestFailure | None:
        return (await _ask(client, part, now, began_s)).trouble

    refused = await find_rejected(ids, ask, _BISECT_REQUESTS)
    if isinstance(refused, RequestFailure):
        fault = WireFault(refused.reason, refused.detail)
        return replace(said, lookup=all_missed(ids, now, fault), trouble=refused)
    rest = [native_id for native_id in ids if native_id not in refused]
    if not refused or not rest:
        return said
    fault = WireFault(MissedReason.BAD_REQUEST, "X rejects this id as malformed")
    again = await _ask(client, rest, now, began_s)
    missed = all_missed([i for i in ids if i in refused], now, fault).missed
    lookup = replace(again.lookup, missed=(*missed, *again.lookup.missed))
    return replace(again, lookup=lookup, sent=True)


async def _ask(client: XClient, ids: Sequence[str], now: datetime, began_s: float) -> LookupAnswer:
    of_posts = post_of(ids[0]) is not None
    numbers = [post_of(native_id) or native_id for native_id in ids] if of_posts else ids
    endpoint = POSTS if of_posts else LOOKUP
    pause = client.pause(endpoint, now)
    if pause is not None:
        return LookupAnswer(
            all_missed(ids, now, WireFault(pause.reason, pause.detail)), (), pause, sent=False
        )
    answer = await (client.posts if of_posts else client.users)(numbers, now)
    if isinstance(answer, WireFault):
        trouble = client.trouble(endpoint, answer, answer, now)
        return LookupAnswer(all_missed(ids, now, answer), (), trouble, sent=not isinstance(answer, NotAsked))
    lookup = (read_posts if of_posts else read_lookup)(answer.http_status, answer.body, ids, now)
    exchanges = (_exchange(endpoint, numbers, answer, now, began_s),)
    if lookup.fault is None:
        return LookupAnswer(lookup, exchanges, None)
    return LookupAnswer(lookup, exchanges, client.trouble(endpoint, lookup.fault, answer, now))


def _exchange(
    endpoint: str, numbers: Sequence[str], answer: RawAnswer, now: datetime, began_s: float
) -> Exchange:
    """Evidence of one account names no other one: the address of a batch says only how many it asked for."""
    asked = numbers[0] if len(numbers) == 1 else f"… ({len(numbers)} ids)"
    request_id, times = answer.headers.get(_REQUEST_ID), answer.after(began_s)
    return Exchange(
        f"/2/{endpoint}?ids={asked}", now, answer.http_status, answer.body, request_id, (), *times
    )
