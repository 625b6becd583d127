"""Pure: what the answers of Bluesky say of each account that was asked for.

`getProfiles` drops whoever is not shown, without a word (measured). So an account that is missing there
is asked for alone; when it is not found even so, its own server (PDS) and the directory of DIDs decide.
What is not plainly stated by them becomes a Missed with its reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from collectors.bluesky.wire.errors import Absence, absence_of, error_of, fault_of, open_answer
from collectors.bluesky.wire.identity import HANDLE_INVALID, DidDocument, NoDid, is_handle
from collectors.bluesky.wire.labels import Labelers, Labels, labelled, read_labels, sources
from collectors.core.abilities import PublicProfile
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object, printable
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength

CONTENT_LABELERS = "atproto-content-labelers"
"""The header of an answer that names the labelers who had a say in it."""

_MOST_FOLLOWERS = 10**12
"""A higher count of followers is not believed."""

_AVAILABLE = State(Status.AVAILABLE)
_SUSPENDED = State(Status.SUSPENDED)
_DEACTIVATED = State(Status.DEACTIVATED)
_NOT_FOUND = State(Status.NOT_FOUND)


class RepoStatus(StrEnum):
    """What the server that holds an account says of it, in words of our own."""

    ACTIVE = "active"
    TAKEN_DOWN = "taken_down"
    DEACTIVATED = "deactivated"
    GONE = "gone"
    """The server does not hold the account: deleted, moved away, or never there."""


_REPO_WORDS = {
    "takendown": RepoStatus.TAKEN_DOWN,
    "suspended": RepoStatus.TAKEN_DOWN,
    "deactivated": RepoStatus.DEACTIVATED,
    "deleted": RepoStatus.GONE,
}
"""`takendown` and `deactivated` are measured; the others are documented and come from other software."""

_SCOPES = {
    RepoStatus.TAKEN_DOWN: Flag.HOST,
    RepoStatus.ACTIVE: Flag.APP_VIEW_ONLY,
    RepoStatus.DEACTIVATED: Flag.SCOPE_UNKNOWN,
    RepoStatus.GONE: Flag.SCOPE_UNKNOWN,
}
"""Who took an account down that the app calls taken down, by what its server says of it."""


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """What the app says of many accounts or posts. Each that was asked for is in exactly one of `readings`,
    `missed` and `missing`, which is to be asked alone.

    `fault` is set when the request failed as a whole; all are then missed for its reason. `silent` are the
    countries of which the answer says nothing.
    """

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...]
    missing: tuple[str, ...] = ()
    fault: WireFault | None = None
    silent: frozenset[str] = frozenset()


ReadItem = Callable[[dict[str, object], str, Exchange, Labelers, frozenset[str]], Reading | Missed]
"""Reads one item of an answer: the item, the id of its account or post, the answer, the labelers, and the
countries on which the answer is silent.
"""


def read_profiles(answer: Exchange, asked: Sequence[str], labelers: Labelers) -> AppAnswer:
    """What the answer to `getProfiles` says of the `asked` DIDs. Never raises."""
    return read_many(answer, asked, labelers, "profiles", "did", shown)


def read_many(
    answer: Exchange, asked: Sequence[str], labelers: Labelers, name: str, id_name: str, read: ReadItem
) -> AppAnswer:
    """What the items under `name` say about the `asked` ids, which are under `id_name`. Never raises."""
    ids = dict.fromkeys(asked)
    document = open_answer(answer)
    items = document.get(name) if is_object(document) else None
    if not is_array(items):
        no_array = WireFault(MissedReason.MALFORMED, f"{name} is not an array")
        return all_missed(asked, answer.at, document if isinstance(document, WireFault) else no_array)
    silent = _silent(answer, items, labelers)
    said: dict[str, Reading | Missed] = {}
    for item in items:
        native_id = item.get(id_name) if is_object(item) else None
        if not is_object(item) or not isinstance(native_id, str) or native_id not in ids:
            continue
        reading = read(item, native_id, answer, labelers, silent)
        # Asked for twice, an account is there twice (measured); it must look the same.
        if said.setdefault(native_id, reading) != reading:
            twice = "twice, with different content"
            said[native_id] = Missed(native_id, answer.at, MissedReason.CONTRADICTORY, twice)
    return AppAnswer(
        tuple(one for native_id in ids if isinstance(one := said.get(native_id), Reading)),
        tuple(one for native_id in ids if isinstance(one := said.get(native_id), Missed)),
        tuple(native_id for native_id in ids if native_id not in said),
        silent=silent,
    )


def read_public_profiles(answer: Exchange, asked: Sequence[str]) -> tuple[PublicProfile, ...] | WireFault:
    """Who the `asked` DIDs are, by an answer to `getProfiles`. Never raises. `followersCount` is optional
    (documented: the lexicon app.bsky.actor.defs#profileViewDetailed).
    """
    document = open_answer(answer)
    if isinstance(document, WireFault):
        return document
    items = document.get("profiles")
    if not is_array(items):
        return WireFault(MissedReason.MALFORMED, "profiles is not an array")
    found: dict[str, PublicProfile] = {}
    for item in items:
        did = item.get("did") if is_object(item) else None
        if is_object(item) and isinstance(did, str) and did in asked:
            found[did] = PublicProfile(did, _handle(item), _followers(item))
    return tuple(found.values())


def _handle(profile: dict[str, object]) -> str | None:
    handle = profile.get("handle")
    return handle if isinstance(handle, str) and is_handle(handle.lower()) else None


def _followers(profile: dict[str, object]) -> int | None:
    count = profile.get("followersCount")
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    return count if 0 <= count <= _MOST_FOLLOWERS else None


def all_missed(asked: Sequence[str], at: datetime, fault: WireFault) -> AppAnswer:
    """An answer that proved nothing: all are missed for the reason of the whole request."""
    missed = (Missed(native_id, at, fault.reason, fault.detail) for native_id in dict.fromkeys(asked))
    return AppAnswer((), tuple(missed), (), fault)


def read_profile(answer: Exchange, did: str, labelers: Labelers) -> Reading | Missed | Absence:
    """What the answer to `getProfile` says of `did`. Never raises.

    An absence is no verdict yet: see `verdict`.
    """
    if answer.http_status != 200:
        absence = absence_of(answer)
        return absence if isinstance(absence, Absence) else _missed(did, answer, absence)
    item = open_answer(answer)
    if isinstance(item, WireFault):
        return _missed(did, answer, item)
    if item.get("did") != did:
        return _missed(
            did,
            answer,
            WireFault(MissedReason.MALFORMED, "the answer contains the profile of another account"),
        )
    return shown(item, did, answer, labelers, _silent(answer, [item], labelers))


def read_repo_status(answer: Exchange, did: str) -> RepoStatus | WireFault:
    """What the answer to `getRepoStatus` says of `did`. Never raises.

    It speaks for the server that was asked and for no other: only the server that the DID document names
    now may be believed.
    """
    if answer.http_status != 200:
        error = error_of(answer)
        return RepoStatus.GONE if error is not None and error[0] == "RepoNotFound" else fault_of(answer)
    document = open_answer(answer)
    if isinstance(document, WireFault):
        return document
    active, status = document.get("active"), document.get("status")
    if document.get("did") != did or not isinstance(active, bool):
        return WireFault(
            MissedReason.MALFORMED,
            "the repo status does not name the requested DID, or does not state whether the repo is active",
        )
    if active:
        odd = WireFault(
            MissedReason.CONTRADICTORY, "the repo is active, but has a status that only inactive repos have"
        )
        return RepoStatus.ACTIVE if status is None else odd
    if not isinstance(status, str):
        return WireFault(MissedReason.UNCLASSIFIED, "the repo is not active, and no reason is given")
    unknown = WireFault(
        MissedReason.UNCLASSIFIED, printable(f"the repo is not active and has the unknown status {status!r}")
    )
    return _REPO_WORDS.get(status, unknown)


def verdict(
    did: str,
    absence: Absence,
    identity: DidDocument | NoDid | WireFault | None,
    repo: RepoStatus | WireFault | None,
    answer: Exchange,
) -> Reading | Missed:
    """What became of an account that the app does not show, once everybody who knows was asked.

    `identity` is what the DID document says and `repo` what the server says that it names; None for what
    was not asked. Not found is weak evidence: it is only an absence.
    """
    if absence is Absence.DEACTIVATED:
        return Reading(did, answer.at, _DEACTIVATED, Strength.STRONG)
    if absence is Absence.TAKEN_DOWN:
        if isinstance(identity, WireFault) or isinstance(repo, WireFault):
            return _suspended(did, answer, Flag.SCOPE_UNANSWERED)
        return _suspended(did, answer, Flag.SCOPE_UNKNOWN if repo is None else _SCOPES[repo])
    match identity, repo:
        case NoDid.TOMBSTONED, _:
            return _not_found(did, answer, Flag.DELETED)
        case NoDid.NOT_REGISTERED, _:
            return _not_found(did, answer, None)
        case WireFault() as fault, _:
            return _missed(
                did, answer, WireFault(fault.reason, f"the DID document could not be read: {fault.detail}")
            )
        case DidDocument(), WireFault() as fault:
            return _missed(
                did,
                answer,
                WireFault(fault.reason, f"the server of the account gave no usable answer: {fault.detail}"),
            )
        case DidDocument(), RepoStatus.GONE:
            return _not_found(did, answer, Flag.DELETED)
        case DidDocument(), RepoStatus.TAKEN_DOWN:
            return _suspended(did, answer, Flag.HOST)
        case DidDocument(), RepoStatus.DEACTIVATED:
            return Reading(did, answer.at, _DEACTIVATED, Strength.STRONG)
        case DidDocument(), RepoStatus.ACTIVE:
            contradiction = (
                "the app does not find the account, but the server of the account says that it is active"
            )
            return _missed(did, answer, WireFault(MissedReason.CONTRADICTORY, contradiction))
        case _:
            nobody = "the app does not find the account, and no server is named that could say more"
            return _missed(did, answer, WireFault(MissedReason.UNCLASSIFIED, nobody))


def _silent(answer: Exchange, items: Sequence[object], labelers: Labelers) -> frozenset[str]:
    """The countries of which an answer with these items says nothing, the same for all of them."""
    if not any("labels" in part for part in labelled(items)):
        # Without `labels` (optional in the lexicon) nobody was heard.
        return frozenset(labelers.regions)
    heard = sources(items)
    unnamed = labelers.silent(dict(answer.said).get(CONTENT_LABELERS))
    return frozenset(country for country in unnamed if labelers.regions[country] not in heard)


def shown(
    item: dict[str, object], did: str, answer: Exchange, labelers: Labelers, silent: frozenset[str]
) -> Reading | Missed:
    """What the profile of `did` says; `silent` are the countries of which its answer says nothing."""
    handle = item.get("handle")
    if not isinstance(handle, str) or not (handle == HANDLE_INVALID or is_handle(handle.lower())):
        return _missed(did, answer, WireFault(MissedReason.MALFORMED, "the profile has no usable handle"))
    labels = labels_of(item, did, answer, labelers, silent)
    if isinstance(labels, WireFault):
        return _missed(did, answer, labels)
    flags = {Flag.HANDLE_INVALID} if handle == HANDLE_INVALID else set[Flag]()
    if labels.signed_in_only:
        flags.add(Flag.NO_UNAUTHENTICATED)
    withheld = labels.withheld_in
    return Reading(
        did,
        answer.at,
        State(Status.WITHHELD, withheld) if withheld else _AVAILABLE,
        Strength.STRONG,
        None if handle == HANDLE_INVALID else handle,
        frozenset(flags),
        silent_on=silent,
    )


def labels_of(
    item: dict[str, object], subject: str, answer: Exchange, labelers: Labelers, silent: frozenset[str]
) -> Labels | WireFault:
    """What the labels of an item say of `subject`."""
    if "labels" not in item and silent < frozenset(labelers.regions):
        unheard = "an item of the answer has no labels, although others have labels"
        return WireFault(MissedReason.UNHEARD, unheard)
    return read_labels(item.get("labels", []), subject, labelers, answer.at)


def _suspended(did: str, answer: Exchange, scope: Flag) -> Reading:
    return Reading(did, answer.at, _SUSPENDED, Strength.STRONG, flags=frozenset({scope}))


def _not_found(did: str, answer: Exchange, flag: Flag | None) -> Reading:
    flags = frozenset({flag}) if flag is not None else frozenset[Flag]()
    return Reading(did, answer.at, _NOT_FOUND, Strength.WEAK, flags=flags)


def _missed(did: str, answer: Exchange, fault: WireFault) -> Missed:
    return Missed(did, answer.at, fault.reason, fault.detail)
