"""What is known around one account beside its status: side facts, handles, silent looks, and its alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from dashboard.ui.cards import MOST_ROWS
from storage.accounts.handle_history import HandleEntry, handles_of
from storage.accounts.posts import PostAuthor, StoredPosts, author_of, posts_of
from storage.accounts.side_facts import facts_of
from storage.alerts.decisions_report import Decided, count_decided, decided_of
from storage.live.account_detail import AccountHistory
from storage.live.snapshot import LiveSpell, spells
from storage.model.core.accounts import Platform
from storage.model.core.coverage import Gap
from storage.model.core.side_facts import SideFact
from storage.model.evidence.decisive import decisive_words
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn
from storage.readings.evidence import EvidenceSide, ReadingEvidence, evidence_of, load_sound
from storage.readings.missed_report import Misses, SlowAnswer, Unheard, misses, slow_answers, unheard

ChangeSide: TypeAlias = tuple[int, EvidenceSide]
"""The number of a change, and one of its sides."""


@dataclass(frozen=True, slots=True)
class AccountContext:
    facts: tuple[SideFact, ...] = ()
    """Newest first."""
    handles: tuple[HandleEntry, ...] = ()
    """The platform's own record, newest first."""
    misses: tuple[Misses, ...] = ()
    """Of the gaps that are shown and of the time since its last reading."""
    slow_answers: tuple[SlowAnswer, ...] = ()
    """That ended the gaps that are shown."""
    unheard: tuple[Unheard, ...] = ()
    evidence: tuple[ReadingEvidence, ...] = ()
    """Of the readings that its changes rest on."""
    said: Mapping[ChangeSide, Sequence[str]] = field(default_factory=dict[ChangeSide, Sequence[str]])
    """By change and side, what the platform said that decides; of the changes that are shown."""
    decided: tuple[Decided, ...] = ()
    """What each rule did with its newest alerts, newest first."""
    decisions: int = 0
    """How many decisions there are in all."""
    author: PostAuthor | None = None
    """The author of a post; None for an account, and for a post that does not name its author."""
    author_spells: tuple[LiveSpell, ...] = ()
    """The status periods of a post's author, oldest first; empty if the author is not stored."""
    posts: StoredPosts = field(default_factory=StoredPosts)
    """The stored posts of an account; none for a post."""


def silence_since(account: AccountHistory) -> datetime:
    """Since when nothing was read: the last reading, or when it was put on file."""
    return account.seen.last or account.added_at


def shown_gaps(account: AccountHistory) -> tuple[Gap, ...]:
    """The newest gaps, of which the page shows each with its cause; oldest first."""
    return account.seen.gaps[-MOST_ROWS:]


async def read_account_context(
    conn: Conn, account: AccountHistory, now: datetime, gap_after: timedelta
) -> AccountContext:
    gaps = shown_gaps(account)
    evidence = tuple(await evidence_of(conn, account.account_id))
    platform, native_id, handle = Platform(account.platform), account.native_id, account.handle
    author = await author_of(conn, platform, native_id, handle)
    author_id = None if author is None else author.account_id
    silences = (*gaps, Gap(silence_since(account), None))
    return AccountContext(
        facts=tuple(await facts_of(conn, account.account_id)),
        handles=tuple(await handles_of(conn, account.account_id)),
        misses=await misses(conn, account.account_id, silences, now, gap_after),
        slow_answers=await slow_answers(conn, account.account_id, gaps),
        unheard=await unheard(conn, account.account_id, now),
        evidence=evidence,
        said=await _said(conn, account, evidence),
        decided=tuple(await decided_of(conn, account.account_id, MOST_ROWS)),
        decisions=await count_decided(conn, account.account_id),
        author=author,
        author_spells=() if author_id is None else await spells(conn, None, (author_id,)),
        posts=StoredPosts()
        if account.is_post
        else await posts_of(conn, platform, account.account_id, native_id, handle, now),
    )


async def _said(
    conn: Conn, account: AccountHistory, evidence: Sequence[ReadingEvidence]
) -> dict[ChangeSide, Sequence[str]]:
    shown = {change.change_id for change in account.changes[:MOST_ROWS]}
    contents = await load_sound(conn, {one.sha256 for one in evidence if one.change_id in shown})
    decisive = DECLARED[Platform(account.platform)].decisive
    return {
        (one.change_id, one.side): decisive_words(contents[one.sha256], decisive)
        for one in evidence
        if one.change_id in shown and one.sha256 in contents
    }
