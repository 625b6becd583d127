"""Pure: what is stated of why the accounts of a story were blocked or gone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from storage.model.causes.causes import CauseText, StatedCause, said_of_change, surest_first
from storage.model.core.accounts import AccountId
from storage.model.core.availability import ChangeKind
from storage.model.stories.figures import Noticed, StoryFacts, changes_between
from storage.model.text.target_counts import Noun


@dataclass(frozen=True, slots=True)
class StatedOf:
    """So many accounts, or posts, that were blocked or gone, and what is stated of why."""

    text: CauseText | None
    """The surest, without its note. None: nothing is recorded."""
    noun: Noun
    count: int


def causes_between(
    facts: StoryFacts, after: datetime, until: datetime, known: datetime
) -> tuple[StatedOf, ...]:
    """The accounts and posts that were first seen blocked or gone after one moment and up to the other, by
    their surest cause, as was known at `known`. Each is counted once; those without a cause come last.
    """
    said: dict[AccountId, list[StatedCause]] = {}
    nouns: dict[AccountId, Noun] = {}
    for change in changes_between(facts, after, until, known):
        if _takes_away(change):
            nouns[change.account_id] = "post" if change.is_post else "account"
            said.setdefault(change.account_id, []).extend(_said_of(facts, change, known))
    counts: dict[tuple[CauseText | None, Noun], int] = {}
    for account_id, causes in said.items():
        text = replace(surest_first(causes)[0].text, note="") if causes else None
        counts[text, nouns[account_id]] = counts.get((text, nouns[account_id]), 0) + 1
    found = [StatedOf(text, noun, n) for (text, noun), n in counts.items()]
    return tuple(sorted(found, key=lambda one: (one.text is None, -one.count, one.noun, str(one.text))))


def _takes_away(change: Noticed) -> bool:
    if change.kind is ChangeKind.PARTIAL and change.old is not None:
        return not set(change.state.withheld_in) <= set(change.old.withheld_in)
    return change.kind in {ChangeKind.BLOCK, ChangeKind.GONE}


def _said_of(facts: StoryFacts, change: Noticed, known: datetime) -> Iterator[StatedCause]:
    rows = facts.causes.get(change.account_id, ())
    yield from said_of_change(rows, change.change_id, is_block=change.state.status.is_blocked, known_at=known)
