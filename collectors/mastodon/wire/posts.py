"""Pure: what the home server's statements prove about one post. Never raises.

A server shows a post to strangers if it is public or unlisted and its author is not suspended. It answers 404
for every other post: deleted by its author, removed by the server's moderators, shown to followers only,
never there (documented: statuses_controller.rb, status_policy.rb). Only what it says about the author tells a
post that is gone with its author from one that is gone alone.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.core.wire import WireFault, is_array, is_object, parse
from collectors.mastodon.wire.answers import (
    GONE,
    Absent,
    ActorDocument,
    Jrd,
    NoBatch,
    Profile,
    fault_of,
    profile_of,
    read_several,
)
from collectors.mastodon.wire.identity import (
    MastodonIdentity,
    MastodonPostIdentity,
    full_acct,
    host_of,
    is_local_id,
)
from collectors.mastodon.wire.status import PASSING, suspended
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength

_AVAILABLE = State(Status.AVAILABLE)
_SUSPENDED = State(Status.SUSPENDED)
_NOT_FOUND = State(Status.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class ServedPost:
    """What a server's REST API says of one post. Its words are not read."""

    local_id: str
    author: Profile
    is_boost: bool
    is_edited: bool


@dataclass(frozen=True, slots=True)
class NoteDocument:
    """The post as other servers see it."""

    uri: str


def read_post(http_status: int, body: bytes) -> ServedPost | Absent | WireFault:
    """What GET /api/v1/statuses/:id states."""
    document = parse(body)
    if http_status in GONE:
        return Absent(http_status, in_json=is_object(document) and "error" in document)
    return _post_of(document) if http_status == 200 else fault_of(http_status)


def read_posts(
    http_status: int, body: bytes, asked: Collection[str]
) -> dict[str, ServedPost | WireFault] | NoBatch | WireFault:
    """What GET /api/v1/statuses?id[]= states of the `asked` local ids; those left out are not in the result.

    Mastodon answers it since 4.3 to anybody, in no promised order. It leaves out what it does not show, and
    also the posts of limited authors, which it shows one by one (documented: status_filter.rb).
    """
    return read_several(http_status, body, asked, _post_of, "post")


def read_own_posts(http_status: int, body: bytes) -> tuple[ServedPost, ...]:
    """The posts on a page of GET /api/v1/accounts/:id/statuses that are not boosts. Empty after any fault."""
    document = parse(body) if http_status == 200 else None
    said = map(_post_of, document) if is_array(document) else ()
    return tuple(post for post in said if isinstance(post, ServedPost) and not post.is_boost)


def read_note(http_status: int, body: bytes) -> NoteDocument | Absent | WireFault:
    """What the page of a post answers to application/activity+json.

    404 if it is not shown, 401 from a server that answers signed requests only (documented).
    """
    document = parse(body)
    if http_status in GONE:
        return Absent(http_status, in_json=is_object(document))
    if http_status != 200:
        return fault_of(http_status)
    uri = document.get("id") if is_object(document) else None
    if not isinstance(uri, str) or not host_of(uri):
        return WireFault(MissedReason.MALFORMED, "the answer is not the document of a post")
    return NoteDocument(uri)


def served(
    who: MastodonPostIdentity, post: ServedPost, at: datetime, *, domain: str | None
) -> Reading | Missed:
    """The server shows something under this id. Available if it is the named author's own post.

    `domain` is the one that names of this server end in, None while it is not known: see `available` of
    accounts. That the author is limited is a fact of the author's account and is not repeated here.
    """
    author = post.author
    if post.local_id != who.local_id:
        detail = f"the server answered with another id: {post.local_id}"
        return Missed(who.native_id, at, MissedReason.CONTRADICTORY, detail)
    if post.is_boost:
        detail = "the id answers as a boost of another post"
        return Missed(who.native_id, at, MissedReason.UNCLASSIFIED, detail)
    if not is_author(who, author):
        detail = f"the id answers as a post of another account: {author.uri or author.url}"
        return Missed(who.native_id, at, MissedReason.UNCLASSIFIED, detail)
    if author.suspended:
        detail = "the post is served, but its author is suspended"
        return Missed(who.native_id, at, MissedReason.CONTRADICTORY, detail)
    handle = full_acct(author.acct, domain or "")
    named = None if handle.endswith("@") else f"{handle}/{who.local_id}"
    flags = frozenset({Flag.EDITED} if post.is_edited else ())
    return Reading(who.native_id, at, _AVAILABLE, Strength.STRONG, named, flags)


def is_author(who: MastodonPostIdentity, account: Profile) -> bool:
    """Whether an account is the one that the post's address names, at the same server."""
    is_home = host_of(account.uri or account.url or "") == who.host
    return is_home and account.username.casefold() == who.name.casefold()


def gone_with_suspended(
    who: MastodonPostIdentity, author: Profile, actor: ActorDocument | Absent | WireFault, at: datetime
) -> Reading | Missed:
    """The post is not shown, and its author is suspended. `actor` is the author's actor document."""
    account = MastodonIdentity(author.uri or who.profile, author.local_id)
    said = suspended(account, actor, at)
    if isinstance(said, Missed):
        return replace(said, native_id=who.native_id, detail=f"the author of the post: {said.detail}")
    return replace(said, native_id=who.native_id, flags=said.flags | {Flag.WITH_AUTHOR})


def gone_alone(
    who: MastodonPostIdentity, note: NoteDocument | Absent | WireFault, at: datetime
) -> Reading | Missed:
    """The REST API does not show the post, while its author is there. `note` is what the page says.

    A page that is shown to signed requests only, or that other software does not have, says nothing.
    """
    if isinstance(note, NoteDocument):
        detail = "not found by id, but the page of the post is there"
        return Missed(who.native_id, at, MissedReason.CONTRADICTORY, detail)
    if isinstance(note, WireFault) and note.reason in PASSING:
        return Missed(who.native_id, at, note.reason, f"not found; its page: {note.detail}")
    return Reading(who.native_id, at, _NOT_FOUND, Strength.WEAK)


def gone_with_absent(
    who: MastodonPostIdentity, lookup: Absent, webfinger: Jrd | Absent | WireFault, at: datetime
) -> Reading | Missed:
    """Neither the post nor its author is found. `lookup` is by the author's name."""
    if any(isinstance(said, Absent) and said.http_status == 410 for said in (lookup, webfinger)):
        flags = frozenset({Flag.SUSPENDED_OR_DELETED, Flag.WITH_AUTHOR})
        return Reading(who.native_id, at, _SUSPENDED, Strength.STRONG, flags=flags)
    if isinstance(webfinger, WireFault):
        detail = f"not found; webfinger of its author: {webfinger.detail}"
        return Missed(who.native_id, at, webfinger.reason, detail)
    if isinstance(webfinger, Jrd):
        detail = "its author is not found by name, but webfinger knows the account"
        return Missed(who.native_id, at, MissedReason.CONTRADICTORY, detail)
    return Reading(who.native_id, at, _NOT_FOUND, Strength.WEAK, flags=frozenset({Flag.WITH_AUTHOR}))


def _post_of(item: object) -> ServedPost | WireFault:
    """One post of the REST API."""
    if not is_object(item):
        return WireFault(MissedReason.MALFORMED, "a post is not an object")
    local_id, boosted = item.get("id"), item.get("reblog")
    if not isinstance(local_id, str) or not is_local_id(local_id):
        return WireFault(MissedReason.MALFORMED, "the post has no usable id")
    if boosted is not None and not is_object(boosted):
        return WireFault(MissedReason.MALFORMED, "reblog is not a post")
    author = profile_of(item.get("account"))
    if isinstance(author, WireFault):
        return WireFault(author.reason, f"the author of the post: {author.detail}")
    is_edited = item.get("edited_at") is not None
    return ServedPost(local_id, author, is_boost=boosted is not None, is_edited=is_edited)
