"""Pure: what other thresholds of a list would have confirmed in a period, and the sentence that says it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage.model.bitemporal.reevaluation import EFFECT_WORDS, Effect
from storage.model.core.accounts import Platform
from storage.model.core.list_thresholds import ListThresholds
from storage.model.text.units import in_period, number

MOST_CASES: Final = 50
"""Changes that a preview names, the newest first."""

_SAID: Mapping[Effect, str] = {
    Effect.BESIDES: "more would have been confirmed",
    Effect.NEVER: "would not have been confirmed",
    Effect.EARLIER: "would have been confirmed earlier",
    Effect.LATER: "would have been confirmed later",
}


@dataclass(frozen=True, slots=True)
class PreviewedChange:
    """A change that would have been confirmed otherwise."""

    effect: Effect
    account_id: int
    platform: Platform
    handle: str
    status: str
    """The new status, as a reader knows it."""
    first_seen: datetime
    confirmed_at: datetime | None
    """When it was really confirmed. None: it was not."""
    would_be_confirmed_at: datetime | None
    """None: it would not have been."""

    @property
    def words(self) -> str:
        return EFFECT_WORDS[self.effect]


@dataclass(frozen=True, slots=True)
class ThresholdPreview:
    """What thresholds would have confirmed of the accounts of a list, and what differs from what was."""

    since: datetime
    until: datetime
    thresholds: ListThresholds | None
    """None: the default ones."""
    accounts: int
    """How many accounts were on the list in the period."""
    changes: int
    """How many changes of them were seen in it, confirmed or not."""
    counts: Mapping[Effect, int]
    cases: tuple[PreviewedChange, ...]
    """The newest MOST_CASES of them."""
    was_read: bool
    """Whether any account gave a reading in the period. Without one, the result is not known."""


def counted(effects: Iterable[Effect]) -> dict[Effect, int]:
    """How many changes differ, by how. Every effect that a preview names is in it."""
    found = list(effects)
    return {effect: found.count(effect) for effect in _SAID}


def threshold_preview_words(preview: ThresholdPreview, now: datetime | None = None) -> str:
    """Say what would have been otherwise, in one sentence. `now` is when it was asked for; None means the end
    of the period.
    """
    when = in_period(preview.since, preview.until, now)
    said = [f"{number(n, 'change')} {_SAID[effect]}" for effect, n in preview.counts.items() if n]
    if not preview.accounts:
        return f"{when} this list was empty, so there is nothing to compare."
    if not preview.was_read:
        return f"{when} nothing was read, so the effect of these numbers is not known."
    if not preview.changes:
        return f"{when} no reading shows a change of this list, so nothing would differ."
    if not said:
        return (
            f"{when} nothing would have been confirmed otherwise: "
            f"{number(preview.changes, 'change')} compared."
        )
    return f"{when} {'; '.join(said)}."
