"""Pure: the words for side facts and for attempts without a status. Neither is ever a status."""

import re

from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, State, Status
from storage.model.core.side_facts import ObservedKind
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import clean, state_words

_FLAG_WORDS = {
    Flag.COPYRIGHT_WITHHELD: "withheld on a copyright complaint, in no country that is named",
    Flag.MAY_BE_RIGHTS_HOLDERS: "who chose the countries is not known: it may be the holder of the rights",
    Flag.PROTECTED: "protected by its owner as well",
    Flag.HOST: "taken down by its server",
    Flag.APP_VIEW_ONLY: "taken down in the platform's own app only",
    Flag.SCOPE_UNANSWERED: "taken down; its server, or the directory that leads to it, did not say by whom",
    Flag.SCOPE_UNKNOWN: "taken down; by whom was not observable",
    Flag.DELETED: "its server no longer holds it",
    Flag.TEMPORARY: "suspended by its server, which may lift it",
    Flag.SUSPENDED_OR_DELETED: "suspended by its server or deleted by its owner",
    Flag.HANDLE_INVALID: "its handle no longer leads to it: neither a rename nor a takedown",
    Flag.NO_UNAUTHENTICATED: "its owner asks that only signed-in readers see it",
    Flag.LIMITED: "limited by its server",
    Flag.MEMORIAL: "marked as a memorial",
    Flag.MOVED: "moved",
    Flag.MOVED_UNPROVEN: "says that it moved",
    Flag.IDENTITY_CHANGED: "its name leads to another account than the stored one",
    Flag.FIRST_SEEN: "first seen there: no earlier answer spoke of the country",
    Flag.PARTLY_FIRST_SEEN: "first seen in one of the countries: no earlier answer spoke of it",
    Flag.WITH_AUTHOR: "its status is that of its author's account, and not of the post itself",
    Flag.EDITED: "edited by its author",
    Flag.DAY_ONLY: "only the days of the observations are known",
}
_SERVER_WORDS = {
    "domain suspend": "its whole server is suspended there",
    "domain silence": "its whole server is limited there",
    "account suspended": "suspended there only",
    "account limited": "limited there only",
}
_MISSED_WORDS = {
    MissedReason.AUTH: "{name} refuses our key",
    MissedReason.CREDITS: "the credits for {name} are used up",
    MissedReason.USAGE_CAPPED: "the usage cap of {name} is reached",
    MissedReason.ACCESS: "{name} does not give us access",
    MissedReason.RATE_LIMITED: "too many requests in a short time: a pause was asked for",
    MissedReason.OMITTED: "the answer left it out",
    MissedReason.UNHEARD: "the answer said nothing of a country that is in question",
    MissedReason.CONTRADICTORY: "two answers contradicted each other",
    MissedReason.HELD: "the control accounts looked wrong, so nothing in the answer is believed",
    MissedReason.BAD_REQUEST: "the request was refused as wrong",
}
_NO_ANSWER = frozenset({MissedReason.NETWORK, MissedReason.UPSTREAM})


def flag_words(flag: Flag, platform: Platform, value: str = "") -> str:
    """Words for a side fact from the account's own platform; `value` is the address that it moved to."""
    words = DECLARED[platform].flag_words.get(flag, _FLAG_WORDS[flag])
    if not value:
        return words
    address = clean(value, 120)
    if flag is Flag.MOVED_UNPROVEN:
        return f"{words} to {address}, which does not name it as its own"
    return f"{words} to {address}" if flag is Flag.MOVED else f"{words} ({address})"


def observed_words(kind: ObservedKind, value: str, platform: Platform) -> str:
    """Words for a side fact from another observer, to follow the observer's name."""
    match kind:
        case ObservedKind.BLOCKED_BY_SERVER:
            return _SERVER_WORDS.get(value, clean(value, 120))
        case ObservedKind.SEEN_AS:
            return seen_as_words(value, platform)
        case ObservedKind.COMPLIANCE:
            return f"gives the reason “{clean(value, 120)}”"


def seen_as_words(value: str, platform: Platform) -> str:
    """Words for what another vantage point saw. The value of a fact SEEN_AS is a status and its countries."""
    status, *countries = re.findall(r"[A-Za-z_]+", value) or [""]
    try:
        seen = State(Status(status), tuple(sorted(set(countries))))
    except ValueError:
        return clean(value, 120)
    return state_words(seen, platform, None)


def is_no_answer(reason: MissedReason) -> bool:
    """Whether the server gave no answer, or an error of its own."""
    return reason in _NO_ANSWER


def missed_words(reason: MissedReason, platform: Platform, *, alone: bool) -> str:
    """Why an attempt gave no status: "its server does not answer".

    `alone` means that the same request was answered for others, so only what serves this account failed.
    """
    declared = DECLARED[platform]
    if is_no_answer(reason):
        return declared.no_answer(alone=alone)
    if reason in declared.missed_words:
        return declared.missed_words[reason]
    words = _MISSED_WORDS.get(reason, "the answer could not be read as any known one")
    return words.format(name=declared.name)
