"""Asks for what a batch left out, one by one: accounts, and posts by way of their authors."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.bluesky.client import BlueskyClient
from collectors.bluesky.second_source import label_list
from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.identity import DidDocument, RecordUri, record_uri
from collectors.bluesky.wire.label_lists import in_force
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.posts import (
    TAKEDOWN_LABELS,
    no_server,
    not_served,
    read_record,
    served,
    unusable,
    with_author,
)
from collectors.bluesky.wire.profiles import RepoStatus, read_profile, read_repo_status, verdict
from collectors.bluesky.wire.repo_proof import read_proof
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from storage.model.core.availability import Missed, MissedReason, Reading


@dataclass(frozen=True, slots=True)
class SingleLookup:
    """What came of asking for one account or post alone."""

    said: Reading | Missed
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class _ServedPost:
    """A post that the server of its author serves: the labeler says whether the app took it down."""

    exchanges: tuple[Exchange, ...]


class SingleLookups:
    """Asks for accounts and posts one by one, and remembers since when each is missing."""

    def __init__(self, client: BlueskyClient, labelers: Labelers, dice: random.Random) -> None:
        self._client = client
        self._labelers = labelers
        self._dice = dice
        self._missing_since: dict[str, datetime] = {}

    def note_found(self, native_ids: Iterable[str]) -> None:
        """Remember that these accounts or posts are not missing any more."""
        for native_id in native_ids:
            self._missing_since.pop(native_id, None)

    async def accounts(self, dids: Sequence[str], now: datetime) -> list[SingleLookup]:
        """What the app says about each account and, where it shows none, the account's own server."""
        async with asyncio.TaskGroup() as group:
            # In random order: what makes a server stumble must not hide the same accounts every time.
            order = self._dice.sample(dids, len(dids))
            looks = {did: group.create_task(self._account(did, now)) for did in order}
        return [looks[did].result() for did in dids]

    async def posts(self, uris: Sequence[str], now: datetime) -> list[SingleLookup]:
        """What became of each post. One lookup per author, and one of the labeler for all posts that their
        servers serve.
        """
        records = {uri: record for uri in uris if (record := record_uri(uri)) is not None}
        dids = tuple(dict.fromkeys(record.did for record in records.values()))
        authors = dict(zip(dids, await self.accounts(dids, now), strict=True))
        async with asyncio.TaskGroup() as group:
            order = self._dice.sample(uris, len(uris))
            looks = {
                uri: group.create_task(self._post(uri, records[uri], authors[records[uri].did], now))
                for uri in order
            }
        found = {uri: looks[uri].result() for uri in uris}
        in_doubt = [uri for uri, look in found.items() if isinstance(look, _ServedPost)]
        main = self._labelers.main
        pages = await label_list(self._client, main, in_doubt, now) if in_doubt else ()
        taken_down = in_force(pages, main, TAKEDOWN_LABELS)
        return [
            SingleLookup(served(uri, taken_down, now), (*look.exchanges, *pages))
            if isinstance(look, _ServedPost)
            else look
            for uri, look in found.items()
        ]

    async def _account(self, did: str, now: datetime) -> SingleLookup:
        # A DID document from before the account went missing may name a server that it has left.
        since = self._missing_since.setdefault(did, now)
        profile = await self._client.profile(did, now)
        if isinstance(profile, WireFault):
            return SingleLookup(Missed(did, now, profile.reason, profile.detail), ())
        said = read_profile(profile, did, self._labelers)
        if not isinstance(said, Absence):
            if isinstance(said, Reading):
                self._missing_since.pop(did, None)
            return SingleLookup(said, (profile,))
        if said is Absence.DEACTIVATED:
            return SingleLookup(verdict(did, said, None, None, profile), (profile,))
        # Whoever the app does not find may just have moved: no kept document is believed then.
        since = now if said is Absence.NOT_FOUND else since
        identity = await self._client.identity(did, now, since)
        exchanges = (profile,) if identity.answer is None else (profile, identity.answer)
        repo: RepoStatus | WireFault | None = None
        if isinstance(identity.said, DidDocument) and identity.said.pds is not None:
            status = await self._client.repo_status(identity.said.pds, did, now)
            repo = status if isinstance(status, WireFault) else read_repo_status(status, did)
            exchanges += () if isinstance(status, WireFault) else (status,)
        return SingleLookup(verdict(did, said, identity.said, repo, profile), exchanges)

    async def _post(
        self, uri: str, record: RecordUri, author: SingleLookup, now: datetime
    ) -> SingleLookup | _ServedPost:
        since = self._missing_since.setdefault(uri, now)
        exchanges = author.exchanges
        gone = with_author(uri, author.said)
        if gone is not None:
            return SingleLookup(gone, exchanges)
        identity = await self._client.identity(record.did, now, since)
        exchanges += () if identity.answer is None else (identity.answer,)
        pds = identity.said.pds if isinstance(identity.said, DidDocument) else None
        if pds is None:
            return SingleLookup(no_server(uri, identity.said, now), exchanges)
        answer = await self._client.record(pds, record, now)
        is_served = answer if isinstance(answer, WireFault) else read_record(answer, uri)
        exchanges += () if isinstance(answer, WireFault) else (answer,)
        if isinstance(is_served, WireFault):
            return SingleLookup(unusable(uri, is_served, now), exchanges)
        if is_served:
            return _ServedPost(exchanges)
        proof = await self._client.record_proof(pds, record, now)
        path = f"{record.collection}/{record.rkey}"
        is_held = proof if isinstance(proof, WireFault) else read_proof(proof, record.did, path)
        exchanges += () if isinstance(proof, WireFault) else (proof,)
        return SingleLookup(not_served(uri, is_held, now), exchanges)


def as_heard(look: SingleLookup, silent: frozenset[str]) -> SingleLookup:
    """The lookup, missed when its own answer is silent on more countries than the batch was: otherwise the
    whole answer would count as silent on them.
    """
    r = look.said
    if isinstance(r, Missed) or r.silent_on <= silent:
        return look
    missed = Missed(r.native_id, r.at, MissedReason.UNHEARD, "a labeler was heard in the batch and not here")
    return replace(look, said=missed)
