"""The lookup of accounts by id: one request, and the search for an id that X refuses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from collectors.base import Exchange, Trouble
from collectors.fetch import RawAnswer
from collectors.wire import Fault
from collectors.x_client import LOOKUP, XClient
from collectors.x_wire import Lookup, all_missed, read_lookup
from storage.model.availability import MissedReason

_BISECT_REQUESTS: Final = 15
"""Enough to isolate one malformed id among a hundred."""

_REQUEST_ID: Final = "x-transaction-id"


@dataclass(frozen=True, slots=True)
class Said:
    """One request and what came of it. `sent` is False when nothing was asked, because of a pause."""

    lookup: Lookup
    exchanges: tuple[Exchange, ...]
    trouble: Trouble | None
    sent: bool = True


async def look_up(client: XClient, ids: Sequence[str], now: datetime) -> Said:
    """What X says of at most a hundred ids. When it refuses them for a malformed one, that one is found and
    the rest asked again: what is believed comes from one answer, so that the control accounts in it speak
    for all of it.
    """
    said = await _ask(client, ids, now)
    if said.trouble is None or said.trouble.reason is not MissedReason.BAD_REQUEST or len(ids) == 1:
        return said
    at_fault = await _at_fault(client, ids, now)
    if isinstance(at_fault, Trouble):
        fault = Fault(at_fault.reason, at_fault.detail)
        return replace(said, lookup=all_missed(ids, now, fault), trouble=at_fault)
    rest = [native_id for native_id in ids if native_id not in at_fault]
    if not at_fault or not rest:
        return said
    fault = Fault(MissedReason.BAD_REQUEST, "X calls this id malformed")
    again = await _ask(client, rest, now)
    missed = all_missed([i for i in ids if i in at_fault], now, fault).missed
    return replace(again, lookup=replace(again.lookup, missed=(*missed, *again.lookup.missed)))


async def _ask(client: XClient, ids: Sequence[str], now: datetime) -> Said:
    pause = client.pause(LOOKUP, now)
    if pause is not None:
        return Said(all_missed(ids, now, Fault(pause.reason, pause.detail)), (), pause, sent=False)
    answer = await client.users(ids, now)
    if isinstance(answer, Fault):
        return Said(all_missed(ids, now, answer), (), client.trouble(LOOKUP, answer, answer, now))
    lookup = read_lookup(answer.http_status, answer.body, ids, now)
    exchanges = (_exchange(ids, answer, now),)
    if lookup.fault is None:
        return Said(lookup, exchanges, None)
    return Said(lookup, exchanges, client.trouble(LOOKUP, lookup.fault, answer, now))


async def _at_fault(client: XClient, ids: Sequence[str], now: datetime) -> set[str] | Trouble:
    """The ids that X refuses, found by halving: none when that takes too long, or what stopped it."""
    found: set[str] = set()
    parts = _halves(ids)
    for _ in range(_BISECT_REQUESTS):
        if not parts:
            return found
        part = parts.pop()
        trouble = (await _ask(client, part, now)).trouble
        if trouble is None:
            continue
        if trouble.reason is not MissedReason.BAD_REQUEST:
            return trouble
        if len(part) == 1:
            found.update(part)
        else:
            parts += _halves(part)
    return set() if parts else found


def _exchange(ids: Sequence[str], answer: RawAnswer, now: datetime) -> Exchange:
    """The address names the account asked for first: a hundred ids in each piece of evidence say no more."""
    url = f"/2/users?ids={ids[0]}" + (f",… ({len(ids)} ids)" if len(ids) > 1 else "")
    return Exchange(url, now, answer.http_status, answer.body, answer.headers.get(_REQUEST_ID))


def _halves(ids: Sequence[str]) -> list[Sequence[str]]:
    half = len(ids) // 2
    return [ids[half:], ids[:half]]
