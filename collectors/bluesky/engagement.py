"""What somebody did on Bluesky: the pages of their repository, read down to where the last poll began."""

from datetime import datetime
from typing import Final

from collectors.bluesky.client import BlueskyClient, DidLookup
from collectors.bluesky.wire.identity import NoDid
from collectors.bluesky.wire.records import (
    COLLECTIONS,
    CollectionPosition,
    RecordPage,
    RepoRecord,
    UnreadableRepo,
    cursor_of,
    positions_of,
    read_records,
)
from collectors.core.collector import EngagementAnswer, RequestFailure
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason

MAX_PAGES: Final = 5
"""Pages of a collection that one poll reads; the next poll goes on from there."""


async def read_acts(client: BlueskyClient, did: str, cursor: str | None, now: datetime) -> EngagementAnswer:
    """See `Collector.engagement`. Raises ValueError for a cursor that was not made here."""
    positions = positions_of(cursor)
    identity = await client.identity(did, now)
    seen = await _read_from(client, did, identity, positions, now)
    if isinstance(seen, UnreadableRepo):
        # The account may have moved to another server since its document was read.
        current = await client.identity(did, now, since=now)
        moved = current.said != identity.said
        seen = await _read_from(client, did, current, positions, now) if moved else seen
    if isinstance(seen, UnreadableRepo):
        return EngagementAnswer(
            (), cursor, RequestFailure(MissedReason.ACCESS, seen.detail, now, breaker=False)
        )
    if isinstance(seen, RequestFailure):
        return EngagementAnswer((), cursor, seen)
    records = sorted((record for found, _ in seen.values() for record in found), key=lambda r: r.rkey)
    signals = dict.fromkeys(signal for record in records for signal in record.signals)
    return EngagementAnswer(tuple(signals), cursor_of({name: after for name, (_, after) in seen.items()}))


_Seen = dict[str, tuple[list[RepoRecord], CollectionPosition]]


async def _read_from(
    client: BlueskyClient,
    did: str,
    identity: DidLookup,
    positions: dict[str, CollectionPosition],
    now: datetime,
) -> _Seen | UnreadableRepo | RequestFailure:
    said = identity.said
    if isinstance(said, WireFault):
        return client.trouble(client.keeper(did), said, now)
    if isinstance(said, NoDid):
        return UnreadableRepo(f"{said.value}: {did}")
    if said.pds is None:
        return UnreadableRepo("the DID document names no server that can be asked")
    seen: _Seen = {}
    for collection in COLLECTIONS:
        position = positions.get(collection, CollectionPosition())
        found = await _collection(client, said.pds, did, collection, position, now)
        if isinstance(found, UnreadableRepo | RequestFailure):
            return found
        seen[collection] = found
    return seen


async def _collection(
    client: BlueskyClient, pds: str, did: str, collection: str, position: CollectionPosition, now: datetime
) -> tuple[list[RepoRecord], CollectionPosition] | UnreadableRepo | RequestFailure:
    records: list[RepoRecord] = []
    cursor = position.until
    for _ in range(MAX_PAGES):
        answer = await client.records(pds, did, collection, cursor, now)
        page = answer if isinstance(answer, WireFault) else read_records(answer, did, collection)
        if isinstance(page, WireFault):
            return client.trouble(pds, page, now)
        if isinstance(page, UnreadableRepo):
            return page
        fresh = position.fresh(page)
        records += fresh
        cursor = page.next_cursor
        if position.since is None or cursor is None or _reached(page, fresh):
            return records, position.after(records, now, complete=True)
    return records, position.after(records, now, complete=False)


def _reached(page: RecordPage, fresh: tuple[RepoRecord, ...]) -> bool:
    """Whether the page came down to what was read before."""
    return len(fresh) < len(page.records)
