"""Pure: whether an account had long looked the same at a time, as far as its changes alone say so."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from storage.model.bitemporal.corrections import OwnChange, held_at
from storage.model.core.availability import Reason, Strength


class SettlingRule(Protocol):
    """The part of a confirmation rule that says when a state is beyond doubt."""

    def counts(self, agreeing: int, first_seen_new: datetime, at: datetime) -> bool:
        """Whether a reading at `at` counts as one more beside the `agreeing` counted so far."""
        ...

    def settles(self, strength: Strength, agreeing: int, lasting: timedelta) -> bool:
        """Whether so many readings of one state over so long leave no doubt of an earlier sighting."""
        ...


def last_before(own: Sequence[OwnChange], at: datetime) -> OwnChange | None:
    """The last change, annulled ones left out, that had begun at a time; `own` in the order of time."""
    return next((c for c in reversed(own) if not c.is_annulled and c.first_seen_new <= at), None)


def surely_settled(
    own: Sequence[OwnChange], asked_at: datetime, read_at: datetime, rule: SettlingRule
) -> bool:
    """Whether nothing was in question (`Known.unsettled`) after a reading of what is held, with its times.

    `own` are the standing changes in the order of time. False: they do not say; the readings do.
    """
    last, held = last_before(own, read_at), held_at(own, read_at)
    if last is None or held is None:
        return False
    if last is held and last is next(c for c in own if not c.is_annulled):
        return True  # nothing else was ever sighted
    return is_settled_by(last, held, asked_at, read_at, rule)


def is_settled_by(
    last: OwnChange, held: OwnChange, asked_at: datetime, read_at: datetime, rule: SettlingRule
) -> bool:
    """As `surely_settled`, of an account whose last change and the one whose state is held are these."""
    if last.change_id == held.change_id:
        since, agreeing, counted_at = last.first_seen_new, last.readings, last.last_agreeing_at
    elif last.reason is Reason.WENT_BACK and last.decided_at is not None:
        # The first reading of the way back was made by then.
        since = counted_at = last.decided_at
        agreeing = 1
    else:
        return False
    agreeing += read_at > counted_at and asked_at >= since and rule.counts(agreeing, since, read_at)
    return rule.settles(held.strength, agreeing, read_at - since)
