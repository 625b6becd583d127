"""The status of one account in sentences. Its figure holds the same facts, its tables the newest of them."""

from collections.abc import Iterator
from datetime import datetime

from dashboard.accounts.account_context import AccountContext, silence_since
from dashboard.ui import words
from storage.live.account_detail import AccountHistory
from storage.live.snapshot import LiveChange, LiveSpell
from storage.model.core.accounts import Platform
from storage.model.core.availability import SCOPE_FLAGS, ChangeKind, Flag
from storage.model.core.side_facts import SideFact
from storage.model.text.side_facts import flag_words, is_no_answer, missed_words
from storage.model.text.states import capital, change_words, clean, short_words, state_words
from storage.readings.missed_report import Misses, SlowAnswer

_WITH_STATUS_BEFORE = frozenset({ChangeKind.RESTORATION, ChangeKind.PARTIAL})


def sentences(
    account: AccountHistory, around: AccountContext, not_read_since: datetime | None = None
) -> list[str]:
    """The status with its scope first, then what is not known, then what was seen beside it.

    `not_read_since` is the last reading of an account that is not read any more, or is late; None: it is
    read.
    """
    platform = Platform(account.platform)
    silence = list(_silence(account, around))
    return [
        " ".join((*_status(account, around.facts), *_scope(account, around.facts))),
        *(silence or _lateness(account, not_read_since)),
        *_unheard(around),
        *(
            f"{capital(flag_words(Flag(f.kind), platform, f.value))}."
            for f in open_flags(around.facts)
            if f.kind is not Flag.WITH_AUTHOR or not _is_with_author(account)
        ),
        *_renamed(account),
    ]


def open_flags(facts: tuple[SideFact, ...]) -> list[SideFact]:
    """The side facts that the platform tells now and that are no part of the status."""
    return [
        f
        for f in facts
        if not f.observer
        and f.first_absent is None
        and isinstance(f.kind, Flag)
        and f.kind not in SCOPE_FLAGS
    ]


def flags_now(spell: LiveSpell, facts: tuple[SideFact, ...]) -> frozenset[Flag]:
    """The flags of the current status, without WITH_AUTHOR if later readings of a post no longer had it."""
    of_author = [f for f in facts if not f.observer and f.kind is Flag.WITH_AUTHOR]
    is_over = any(f.first_absent is not None and f.first_absent > spell.since for f in of_author)
    is_open = any(f.first_absent is None for f in of_author)
    return spell.flags - {Flag.WITH_AUTHOR} if is_over and not is_open else spell.flags


def _is_with_author(account: AccountHistory) -> bool:
    """Whether the current status of a post already says that it is that of its author's account."""
    return bool(account.spells) and Flag.WITH_AUTHOR in account.spells[-1].flags


def change_of(account: AccountHistory) -> LiveChange | None:
    """The confirmed change that brought the current state."""
    if not account.spells:
        return None
    since = account.spells[-1].since
    found = (c for c in account.changes if c.outcome == "confirmed" and c.first_seen_new == since)
    return next(found, None)


def _status(account: AccountHistory, facts: tuple[SideFact, ...]) -> Iterator[str]:
    platform = Platform(account.platform)
    if not account.spells:
        yield "No status is confirmed yet."
        return
    current = account.spells[-1]
    when = words.between(current.onset_after, current.since)
    flags = flags_now(current, facts)
    yield f"{capital(state_words(current.state, platform, flags, of_post=account.is_post))}."
    change = change_of(account)
    if change is not None and change.kind in _WITH_STATUS_BEFORE:
        yield f"Before: {short_words(change.old, platform, None)}."
    if change is not None and (change.kind is ChangeKind.RETURN or Flag.FIRST_SEEN in change.flags):
        happened = change_words(change.kind, change.old, change.new, platform, change.flags)
        yield f"{capital(happened)}: {when}."
    elif current.onset_after is None:
        yield f"This status began {when}."
    else:
        yield f"Changed {when}."


def _scope(account: AccountHistory, facts: tuple[SideFact, ...]) -> Iterator[str]:
    """When it was seen who took the account down, where that was after the account was seen taken down."""
    platform = Platform(account.platform)
    current = account.spells[-1] if account.spells else None
    scopes = [f for f in facts if not f.observer and f.kind in SCOPE_FLAGS]
    for scope in scopes:
        if (
            current is None
            or scope.first_absent is not None
            or scope.first_seen <= current.since
            or scope.kind is Flag.SCOPE_UNANSWERED
        ):
            continue
        before = [Flag(f.kind) for f in scopes if f.first_absent == scope.first_seen]
        if Flag.SCOPE_UNANSWERED in before and len(before) == 1:
            yield f"Before {words.stamp(scope.first_seen)} it was not known who took the {account.noun} down."
            continue
        when = words.between(scope.last_absent, scope.first_seen)
        yield f"{capital(flag_words(Flag(scope.kind), platform))}: {when}."
        yield from (
            f"Before that: {flag_words(flag, platform)}."
            for flag in before
            if flag is not Flag.SCOPE_UNANSWERED
        )


def _lateness(account: AccountHistory, not_read_since: datetime | None) -> Iterator[str]:
    if account.spells and not_read_since is not None:
        yield f"That was at its last reading, {words.stamp(not_read_since)}. No later status is known."


def _silence(account: AccountHistory, around: AccountContext) -> Iterator[str]:
    since = silence_since(account)
    found = [m for m in around.misses if m.since == since]
    if not found:
        return
    platform = Platform(account.platform)
    first = words.stamp(min(m.first_at for m in found))
    last = f"last read {words.stamp(since)}" if account.seen.last else "never read"
    if len(found) == 1 and is_no_answer(found[0].reason):
        missed = missed_words(found[0].reason, platform, alone=found[0].alone)
        later = "later " if account.seen.last else ""
        yield f"{capital(missed)}. First missed {first}; {last}. No {later}status is known."
    else:
        why = gap_words(found, platform, noun=account.noun)
        yield f"The status has not been known since {first}; {last}. {why}."


def gap_words(
    found: list[Misses], platform: Platform, ended: SlowAnswer | None = None, noun: str = "account"
) -> str:
    """Why nothing was learned in one silence; the most frequent reason first, and how it ended last."""
    reasons = [_missed(m, platform, noun) for m in found]
    if ended is not None:
        waited = words.span(ended.at - ended.asked_at)
        reasons.append(f"Asked {words.exact(ended.asked_at)}, answered {waited} later")
    return "; ".join(reasons) or "not asked"


def _missed(found: Misses, platform: Platform, noun: str) -> str:
    why, attempts = missed_words(found.reason, platform, alone=found.alone), words.attempts(found.attempts)
    if found.of_others:
        return f"Not asked: {why} ({attempts} about other {noun}s)"
    return f"{capital(why)} ({attempts})"


def _unheard(around: AccountContext) -> Iterator[str]:
    for one in around.unheard:
        heard = (
            "it was never mentioned"
            if one.last_heard is None
            else f"it was last mentioned {words.stamp(one.last_heard)}"
        )
        yield f"The last reading does not mention {clean(one.country)}; {heard}."


def _renamed(account: AccountHistory) -> Iterator[str]:
    if account.renames:
        newest = account.renames[0]
        when = words.between(newest.last_seen_old, newest.first_seen_new)
        old, new = f"@{clean(newest.old)}", f"@{clean(newest.new)}"
        if account.is_post:
            yield f"Its author was renamed: {old} is now {new}, {when}. It is the same post."
        else:
            yield f"Renamed from {old} to {new}: {when}. It is the same account."
