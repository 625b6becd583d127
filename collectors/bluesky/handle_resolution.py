"""From handles and addresses of profiles to the DIDs of Bluesky: once, when an account or a post is enrolled.

Afterwards only the DID is asked for, because a freed handle can be taken by somebody else.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from collectors.bluesky.client import APP_VIEW, BlueskyClient
from collectors.bluesky.wire.errors import Absence, absence_of, error_of, open_answer
from collectors.bluesky.wire.identity import (
    DidDocument,
    is_did,
    is_handle,
    name_of,
    post_named,
    read_resolved,
)
from collectors.core.collector import (
    Exchange,
    RequestFailure,
    Resolution,
    ResolvedHandle,
    UnresolvedHandle,
    UnresolvedReason,
)
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason

_WHY = {
    Absence.TAKEN_DOWN: UnresolvedReason.SUSPENDED,
    Absence.DEACTIVATED: UnresolvedReason.DEACTIVATED,
    Absence.NOT_FOUND: UnresolvedReason.NOT_FOUND,
}
_UNRESOLVED = "Unable to resolve handle"
"""The message is the same in both measured versions; the error's name is not."""


async def resolve_names(client: BlueskyClient, names: Sequence[str], now: datetime) -> Resolution:
    """See `Collector.resolve`. A suspended or deactivated account is found by its DID, not by its handle.

    Of a post only the author is looked up.
    """
    found: list[ResolvedHandle] = []
    unresolved: list[UnresolvedHandle] = []
    trouble: RequestFailure | None = None
    authors: dict[str, ResolvedHandle | UnresolvedHandle | WireFault] = {}
    for asked in dict.fromkeys(names):
        author, key = post_named(asked) or (asked, None)
        name = name_of(author)
        if name is None:
            unresolved.append(
                UnresolvedHandle(asked, UnresolvedReason.NOT_A_HANDLE, "not a handle of Bluesky")
            )
            continue
        if name not in authors:
            authors[name] = await (_by_did if is_did(name) else _by_handle)(client, name, now)
        said = authors[name]
        if isinstance(said, ResolvedHandle) and key is not None:
            uri = f"at://{said.native_id}/app.bsky.feed.post/{key}"
            found.append(ResolvedHandle(asked, uri, f"{said.handle}/{key}"))
        elif isinstance(said, ResolvedHandle):
            found.append(replace(said, asked=asked))
        elif isinstance(said, UnresolvedHandle):
            unresolved.append(replace(said, asked=asked))
        else:
            unresolved.append(UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, said.detail))
            trouble = client.trouble(APP_VIEW, said, now)
    return Resolution(tuple(found), tuple(unresolved), trouble)


async def _by_handle(
    client: BlueskyClient, handle: str, now: datetime
) -> ResolvedHandle | UnresolvedHandle | WireFault:
    answer = await client.resolve_handle(handle, now)
    did = answer if isinstance(answer, WireFault) else read_resolved(answer)
    if isinstance(did, str):
        # A domain may lead to an account that goes by another handle.
        shown = await _profile(client, did, now)
        own = shown[1] if isinstance(shown, tuple) and shown[0] == did else None
        return ResolvedHandle(handle, did, own or handle)
    if isinstance(answer, WireFault) or not _is_unresolved(answer):
        return did
    shown = await _profile(client, handle, now)
    if isinstance(shown, tuple):
        return ResolvedHandle(handle, shown[0], shown[1] or handle)
    return UnresolvedHandle(handle, _WHY[shown], shown.value) if isinstance(shown, Absence) else shown


async def _by_did(
    client: BlueskyClient, did: str, now: datetime
) -> ResolvedHandle | UnresolvedHandle | WireFault:
    shown = await _profile(client, did, now)
    if isinstance(shown, WireFault):
        return shown
    if isinstance(shown, tuple) and shown[0] != did:
        return WireFault(MissedReason.MALFORMED, "the answer contains the profile of another account")
    if isinstance(shown, tuple) and shown[1] is not None:
        return ResolvedHandle(did, did, shown[1])
    if shown is Absence.NOT_FOUND:
        return UnresolvedHandle(did, UnresolvedReason.NOT_FOUND, shown.value)
    document = (await client.identity(did, now)).said
    claimed = document.handle if isinstance(document, DidDocument) else None
    return ResolvedHandle(did, did, claimed or did)


async def _profile(
    client: BlueskyClient, actor: str, now: datetime
) -> tuple[str, str | None] | Absence | WireFault:
    """DID and handle of a profile that the app shows; no handle when it is not a valid one."""
    answer = await client.profile(actor, now)
    if isinstance(answer, WireFault):
        return answer
    if answer.http_status != 200:
        return absence_of(answer)
    profile = open_answer(answer)
    if isinstance(profile, WireFault):
        return profile
    did, handle = profile.get("did"), profile.get("handle")
    if not isinstance(did, str) or not isinstance(handle, str) or not is_did(did):
        return WireFault(MissedReason.MALFORMED, "the profile lacks a DID or a handle")
    return did, handle if is_handle(handle.lower()) else None


def _is_unresolved(answer: Exchange) -> bool:
    error = error_of(answer)
    return error is not None and error[1] == _UNRESOLVED
