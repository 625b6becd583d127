"""Pure: what the home server's statements prove about one account.

The home server is the only authority: its REST API answers 200 for an account that is there or suspended,
and what it says of a missing one is believed only together with what its webfinger says (documented).
Mastodon knows no protected and no withheld accounts: `locked` is about followers alone.
"""

from datetime import datetime

from collectors.core.wire import WireFault
from collectors.mastodon.wire.answers import Absent, ActorDocument, Jrd, Profile
from collectors.mastodon.wire.identity import MastodonIdentity, full_acct, host_of, username_of
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength

_AVAILABLE = State(Status.AVAILABLE)
_SUSPENDED = State(Status.SUSPENDED)
_NOT_FOUND = State(Status.NOT_FOUND)
_REUSED = "the name belongs to another account now"

PASSING = {MissedReason.NETWORK, MissedReason.UPSTREAM, MissedReason.RATE_LIMITED}
"""Faults that pass by themselves, unlike a server that shows the document to signed requests only."""


def stranger(who: MastodonIdentity, profile: Profile, created_on: str | None) -> str | None:
    """Why an answer to this account's id is about another account; None when it is not.

    Ids and names are given anew when a server is set up again. An actor URI that is spelt as another
    address of the same name is the same account (measured on other software). `created_on` is the day
    that an earlier answer gave, None when there was none.
    """
    address = profile.uri or profile.url or ""
    name = (username_of(who.actor) or "").casefold()
    spelt_otherwise = host_of(address) == who.host and name == (username_of(address) or "").casefold() != ""
    if address != who.actor and not spelt_otherwise:
        return f"the id answers as another account: {address}"
    if name and name != profile.username.casefold():
        return f"the id answers as another account: {profile.username}"
    if created_on is not None and profile.created_on is not None and created_on != profile.created_on:
        return f"the id answers as another account, made on {profile.created_on} and not on {created_on}"
    return None


def available(
    who: MastodonIdentity, profile: Profile, at: datetime, *, domain: str | None, proven: bool
) -> Reading:
    """The account is served. `proven`: the account that it moved to names it as its own.

    `domain` is the one that names of this server end in, None while it is not known: it may be another one
    than the server's own. The reading then carries no handle, rather than one that looks like a rename.
    """
    flags: set[Flag] = set()
    if profile.limited:
        flags.add(Flag.LIMITED)
    if profile.memorial:
        flags.add(Flag.MEMORIAL)
    if profile.moves:
        flags.add(Flag.MOVED if proven else Flag.MOVED_UNPROVEN)
    handle = full_acct(profile.acct, domain or "")
    return Reading(
        who.native_id,
        at,
        _AVAILABLE,
        Strength.STRONG,
        None if handle.endswith("@") else handle,
        frozenset(flags),
        profile.moved_to,
    )


def suspended(
    who: MastodonIdentity, actor: ActorDocument | Absent | WireFault, at: datetime
) -> Reading | Missed:
    """The REST API says suspended. Its actor document tells a suspension that may be lifted from the rest.

    A deletion by the owner looks like a permanent suspension (documented), so only a document that says
    "temporary" makes the reading a plain suspension. When it could not be fetched at all, the reading waits:
    the next try may tell what this one cannot.
    """
    if isinstance(actor, WireFault) and actor.reason in PASSING:
        return Missed(who.native_id, at, actor.reason, f"suspended; actor document: {actor.detail}")
    temporary = isinstance(actor, ActorDocument) and actor.uri == who.actor and actor.suspended
    flag = Flag.TEMPORARY if temporary else Flag.SUSPENDED_OR_DELETED
    return Reading(who.native_id, at, _SUSPENDED, Strength.STRONG, flags=frozenset({flag}))


def absent(
    who: MastodonIdentity,
    rest: Absent,
    webfinger: Jrd | Absent | WireFault,
    lookup: Profile | Absent | WireFault | None,
    actor: ActorDocument | Absent | WireFault | None,
    at: datetime,
) -> Reading | Missed:
    """The REST API has no account of this id. `lookup` by name and `actor` are None where not asked."""
    if _is_gone(webfinger) or _is_gone(actor):
        flags = frozenset({Flag.SUSPENDED_OR_DELETED})
        return Reading(who.native_id, at, _SUSPENDED, Strength.STRONG, flags=flags)
    if isinstance(webfinger, WireFault):
        return Missed(who.native_id, at, webfinger.reason, f"not found; webfinger: {webfinger.detail}")
    if isinstance(lookup, Profile):
        if lookup.local_id != who.local_id:
            return Missed(who.native_id, at, MissedReason.UNCLASSIFIED, f"{_REUSED}: id {lookup.local_id}")
        return _contradictory(who, at, "not found by id, but found by name under this id")
    if isinstance(webfinger, Jrd):
        if webfinger.actor != who.actor:
            return Missed(who.native_id, at, MissedReason.UNCLASSIFIED, f"{_REUSED}: {webfinger.actor}")
        return _contradictory(who, at, "not found by id, but webfinger knows the account")
    if isinstance(actor, ActorDocument):
        return _contradictory(who, at, "not found by id, but the actor document is there")
    if rest.http_status != webfinger.http_status:
        return _contradictory(who, at, "gone by id, but webfinger never knew the account")
    return Reading(who.native_id, at, _NOT_FOUND, Strength.WEAK)


def _is_gone(said: object) -> bool:
    return isinstance(said, Absent) and said.http_status == 410


def _contradictory(who: MastodonIdentity, at: datetime, detail: str) -> Missed:
    return Missed(who.native_id, at, MissedReason.CONTRADICTORY, detail)
