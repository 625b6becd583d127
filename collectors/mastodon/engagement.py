"""Asking Mastodon servers what an account did, and who favourited a post."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from collectors.core.collector import EngagementAnswer, RequestFailure
from collectors.core.wire import WireFault
from collectors.mastodon.client import MastodonClient
from collectors.mastodon.wire.identity import MastodonIdentity, Post, host_of, order_of
from collectors.mastodon.wire.timeline import (
    MastodonTimelinePage,
    Target,
    TimelineAct,
    UnreadableTimeline,
    completed,
    next_max_id,
    read_favourites,
    read_page,
    read_targets,
)
from storage.model.core.availability import MissedReason

MAX_PAGES: Final = 5
"""Pages of statuses that one poll reads; the next poll goes on from there."""
_PAGE: Final = "40"
_TARGETS_AT_ONCE: Final = 20
_FAVOURITES_PAGE: Final = "80"
_MAX_FAVOURITES_PAGES: Final = 10


async def engagement(
    client: MastodonClient, who: MastodonIdentity, cursor: str | None, now: datetime
) -> EngagementAnswer:
    """What `who` did since the status `cursor`, page by page from there upwards, so that nothing between is
    skipped; without a cursor the newest page only.
    """
    acts: dict[str, list[TimelineAct]] = {}
    targets: dict[str, Target] = {}
    position = cursor
    for _ in range(MAX_PAGES):
        page = await _page(client, who, position, now)
        if isinstance(page, RequestFailure):
            return EngagementAnswer((), cursor, page)
        targets |= page.targets
        fresh = [act for act in page.acts if position is None or order_of(act.local_id) > order_of(position)]
        for act in fresh:
            acts.setdefault(act.local_id, []).append(act)
        position = max((act.local_id for act in fresh), key=order_of, default=position)
        if cursor is None or not fresh:
            break
    found = [act for several in acts.values() for act in several]
    met = await _look_up(client, who, found, targets, now)
    if isinstance(met, RequestFailure):
        return EngagementAnswer((), cursor, met)
    return EngagementAnswer(completed(found, {**targets, **met}), position)


async def favourited_by(
    client: MastodonClient, post: Post, now: datetime
) -> tuple[str, ...] | RequestFailure:
    """Who favourited `post`, newest first and at most 800: actor URIs, or name@host from servers before 4.2.

    Who is among them did favourite it; who is not may have, when there are more.
    """
    host, max_id = host_of(post.server), None
    people: list[str] = []
    for _ in range(_MAX_FAVOURITES_PAGES):
        params = [("limit", _FAVOURITES_PAGE)] + ([("max_id", max_id)] if max_id else [])
        address = f"{post.server}/api/v1/statuses/{post.local_id}/favourited_by"
        answer = await client.get(address, now, params)
        if isinstance(answer, WireFault):
            return _quiet(client.trouble(host, answer, now))
        page = read_favourites(answer.http_status, answer.body, host)
        if isinstance(page, WireFault):
            return _of_one(client, host, page, now)
        people += page
        max_id = next_max_id(answer.headers.get("Link"))
        if max_id is None or not page:
            break
    return tuple(dict.fromkeys(people))


async def _page(
    client: MastodonClient, who: MastodonIdentity, min_id: str | None, now: datetime
) -> MastodonTimelinePage | RequestFailure:
    params = [("limit", _PAGE)] + ([("min_id", min_id)] if min_id is not None else [])
    address = f"{who.server}/api/v1/accounts/{who.local_id}/statuses"
    answer = await client.get(address, now, params)
    if isinstance(answer, WireFault):
        return _quiet(client.trouble(who.host, answer, now))
    page = read_page(answer.http_status, answer.body, who.host)
    if isinstance(page, UnreadableTimeline):
        return RequestFailure(MissedReason.ACCESS, page.detail, now, breaker=False)
    return _of_one(client, who.host, page, now) if isinstance(page, WireFault) else page


async def _look_up(
    client: MastodonClient,
    who: MastodonIdentity,
    acts: Sequence[TimelineAct],
    known: Mapping[str, Target],
    now: datetime,
) -> Mapping[str, Target] | RequestFailure:
    """Where the statuses are that acts only name by id, and who wrote them.

    A server before 4.3 cannot say it for several at once; the acts then stay without a target.
    """
    named = list(dict.fromkeys(act.answers for act in acts if act.answers and act.answers not in known))
    found: dict[str, Target] = {}
    for start in range(0, len(named), _TARGETS_AT_ONCE):
        params = [("id[]", local_id) for local_id in named[start : start + _TARGETS_AT_ONCE]]
        answer = await client.get(f"{who.server}/api/v1/statuses", now, params)
        if isinstance(answer, WireFault):
            return _quiet(client.trouble(who.host, answer, now))
        if 400 <= answer.http_status < 500 and answer.http_status != 429:
            return found
        targets = read_targets(answer.http_status, answer.body, who.host)
        if isinstance(targets, WireFault):
            return _of_one(client, who.host, targets, now)
        found |= targets
    return found


def _of_one(client: MastodonClient, host: str, fault: WireFault, now: datetime) -> RequestFailure:
    """Trouble with one author or one post; a server that does not show it may well answer for others."""
    if fault.reason is MissedReason.ACCESS:
        return RequestFailure(fault.reason, fault.detail, now, breaker=False)
    return _quiet(client.trouble(host, fault, now))


def _quiet(trouble: RequestFailure) -> RequestFailure:
    """One server's trouble does not stop the reading of executives on other servers."""
    return replace(trouble, breaker=False)
