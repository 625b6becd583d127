"""Pure: the words for a state. Every page, mail and command takes them from here, so that they agree.

The words claim what the platform said and no more: who took an account down, where it is hidden, who closed
it. The platforms differ, so each declares its own words where it needs some.
"""

import unicodedata
from collections.abc import Collection
from functools import lru_cache

from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE, ChangeKind, Flag, State, Status
from storage.model.platforms.declaration import StateWording
from storage.model.platforms.registry import DECLARED
from storage.model.text.countries import country_name

PLATFORM_NAME = {platform: declared.name for platform, declared in DECLARED.items()}

_COUNTRIES_NAMED = 8
_LONGEST_QUOTED = 400
_MARKS_IN_A_ROW = 3
_JOINERS = {"\u200c", "\u200d"}
_LOOKED_AT = 10_000
"""Characters of a foreign text. What is cleaned is kept, and strangers may send megabytes."""


def state_words(
    state: State | None,
    platform: Platform,
    flags: Collection[Flag] | None,
    *,
    then: bool = False,
    of_post: bool = False,
) -> str:
    """Everything known of a state, to follow a handle: "taken down by its server".

    `flags` are those of the newest reading that has them. With `then` they are those of the reading that
    showed the state first, and the words are about that time. None means that they are not known, so the
    words leave open what they would say; an empty collection means that there are none. `of_post` explains
    what only a post can be, where that is not known by a flag.
    """
    said = _said(state, platform, flags, of_post=of_post)
    return said.words + (said.more if said.then is None or not then else said.then)


def short_words(state: State | None, platform: Platform, flags: Collection[Flag] | None) -> str:
    """`state_words` without their explanation: for subjects, headings and lanes."""
    return _said(state, platform, flags).words


def explanation(
    state: State | None, platform: Platform, flags: Collection[Flag] | None, *, of_post: bool = False
) -> str:
    """What `short_words` leave out, to begin or to end a sentence; empty if nothing."""
    return _said(state, platform, flags, of_post=of_post).more.strip(" ;:()")


def of_many(words: str) -> str:
    """The same words after a number of accounts: "taken down by their server"."""
    return words.replace(" its ", " their ")


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def change_words(
    kind: ChangeKind,
    old: State | None,
    new: State,
    platform: Platform,
    flags: Collection[Flag],
    *,
    before: bool = True,
) -> str:
    """What became of an account: "withheld in India (IN)", "no longer restricted in TR (Bluesky app)".

    `flags` are those of the new state. Of the old state only the status is named; without `before`, a
    restoration does not name even that.
    """
    tail = ", protected" if new.status is Status.PROTECTED else ""
    match kind:
        case ChangeKind.RESTORATION:
            was = short_words(old, platform, None)
            is_withheld = old is not None and old.status is Status.WITHHELD
            if is_withheld and DECLARED[platform].withholds_in_its_app_only:
                return f"no longer {was}"
            return f"available again{tail}" + (f" (before: {was})" if before else "")
        case ChangeKind.BASELINE if Flag.FIRST_SEEN in flags:
            return f"first seen {short_words(new, platform, flags)}"
        case ChangeKind.RETURN:
            return f"found again{tail}"
        case ChangeKind.PARTIAL:
            was = _codes(old.withheld_in if old else ())
            return f"now {short_words(new, platform, flags)} (before: {was})"
        case ChangeKind.PROTECTION:
            return "protected by the owner" if tail else "no longer protected"
        case _:
            return short_words(new, platform, flags)


def group_words(status: Status, platform: Platform, flags: Collection[Flag] = ()) -> str:
    """The words for all accounts of one status, in a legend or a sum, without country or scope."""
    match status:
        case Status.SUSPENDED if Flag.SUSPENDED_OR_DELETED in flags:
            return "suspended or deleted"
        case Status.NOT_FOUND if Flag.DELETED in flags:
            return "deleted"
        case Status.NOT_FOUND if Flag.WITH_AUTHOR in flags:
            return short_words(State(status), platform, flags)
        case _:
            return DECLARED[platform].group_words.get(status, status.value.replace("_", " "))


def counts_as_blocked(status: Status, platform: Platform) -> bool:
    """Whether accounts that were counted by their status alone may be called blocked.

    On some platforms a count of suspended accounts holds some that their owners may have deleted.
    """
    may_be_deleted = status is Status.SUSPENDED and DECLARED[platform].suspension_may_be_deletion
    return status.is_blocked and not may_be_deleted


def is_called_blocked(state: State, flags: Collection[Flag] | None) -> bool:
    """Whether it may be called a block. What may be the owner's own deletion may not."""
    return state.status.is_blocked and Flag.SUSPENDED_OR_DELETED not in (flags or ())


def clean(text: str, limit: int = 60) -> str:
    """Foreign text on one line, at most `limit` characters, that can neither end a header nor hide.

    Controls, line ends, direction marks and other invisible characters become U+FFFD, so that a
    reader sees that something was there; the joiners of Indic and Persian writing are left out. Of a text
    that is far longer than any limit, only the beginning is looked at.
    """
    return _cleaned(text[:_LOOKED_AT], limit, is_cut=len(text) > _LOOKED_AT)


@lru_cache(maxsize=4_000)
def _cleaned(text: str, limit: int, *, is_cut: bool) -> str:
    """Cached: a page names the same accounts and lists again and again."""
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if char in _JOINERS or marks > _MARKS_IN_A_ROW:
            continue
        if category[0] == "C" or category in {"Zl", "Zp"}:
            out.append("\ufffd")
        else:
            out.append(" " if category == "Zs" else char)
    line = " ".join("".join(out).split())
    if len(line) > limit or is_cut:
        line = line[: limit - 1].rstrip() + "…"
    return line or "(no name)"


def quoted(text: str | None) -> str:
    """The message of a platform, a server or an exception, made safe and short; empty if there is none."""
    return clean(text, _LONGEST_QUOTED) if text else ""


def handle_name(handle: str) -> str:
    return "@" + clean(handle.removeprefix("@"))


def _said(
    state: State | None, platform: Platform, flags: Collection[Flag] | None, *, of_post: bool = False
) -> StateWording:
    return _said_of(state, platform, None if flags is None else frozenset(flags), of_post=of_post)


def _since_when(flags: frozenset[Flag] | None) -> str:
    """Words for a beginning that is not known, because no earlier answer covered a country."""
    if flags and Flag.FIRST_SEEN in flags:
        return "; it may have begun long before: no earlier answer spoke of the country"
    if flags and Flag.PARTLY_FIRST_SEEN in flags:
        return "; in part it may have begun long before: of one of the countries no earlier answer spoke"
    return ""


@lru_cache(maxsize=1_000)
def _said_of(
    state: State | None, platform: Platform, flags: frozenset[Flag] | None, *, of_post: bool
) -> StateWording:
    """Cached: thousands of accounts share few states."""
    if state is None:
        return StateWording("never read")
    declared = DECLARED[platform]
    if flags and Flag.WITH_AUTHOR in flags:
        of_author = _said_of(state, platform, flags - {Flag.WITH_AUTHOR}, of_post=False)
        return declared.with_author(state.status, of_author, flags)
    match state.status:
        case Status.WITHHELD:
            where = declared.withheld(_countries(state.withheld_in), _codes(state.withheld_in))
            return StateWording(where, _since_when(flags))
        case Status.SUSPENDED:
            return declared.suspended(flags)
        case Status.DEACTIVATED:
            # Where the platform does not tell, a published record may know of a deactivation.
            is_the_owners = declared.deactivation_is_the_owners
            return StateWording("deactivated by its owner" if is_the_owners else "deactivated")
        case Status.NOT_FOUND if Flag.DELETED in (flags or ()):
            return StateWording("deleted", ": its server no longer holds it")
        case Status.NOT_FOUND:
            return declared.post_not_found(flags) if of_post else declared.not_found(flags)
        case Status.PROTECTED:
            return StateWording("protected")
        case Status.AVAILABLE:
            return StateWording("available")


def _countries(codes: tuple[str, ...]) -> str:
    if EVERYWHERE in codes:
        return "all countries"
    return _listed([f"{name} ({code})" if (name := country_name(code)) != code else code for code in codes])


def _codes(codes: tuple[str, ...]) -> str:
    return "all countries" if EVERYWHERE in codes else _listed(codes)


def _listed(names: Collection[str]) -> str:
    named = ", ".join(clean(name) for name in list(names)[:_COUNTRIES_NAMED])
    rest = len(names) - _COUNTRIES_NAMED
    return f"{named} and {rest} more" if rest > 0 else named
