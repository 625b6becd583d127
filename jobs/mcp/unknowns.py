"""Sentences about what an answer does not show. Every answer of a tool has them.

An assistant repeats what it is given, so that what is not known has to be part of it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dashboard.api.account_models import StateAt
from dashboard.api.changes import Change, Spell
from dashboard.orders.facts import OrderFigures
from storage.model.core.coverage import Gap
from storage.model.evidence.packs import Material
from storage.model.text.states import clean

CAUSE = "A status does not say why: the platform may have had another reason than an order."
SYNTHETIC = "The data is an invented scenario: its accounts do not exist."


def instant(at: datetime) -> str:
    """A time in UTC, as answers have it."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def interval(after: datetime | None, until: datetime) -> str:
    """Between which readings something happened."""
    if after is None:
        return f"at or before {instant(until)}; no reading bounds it from below"
    return f"after {instant(after)} and at or before {instant(until)}"


def of_search(found: int) -> list[str]:
    said = ["Only what is stored is found: an account that is not found may exist, and may be blocked."]
    return said if found else [*said, "Nothing stored matches the text."]


def of_states(states: Sequence[StateAt], at: datetime, gap_after: timedelta) -> list[str]:
    """What is not known of these states at `at`."""
    if len(states) == 1:
        return _of_state(states[0], at, gap_after)
    none = sum(one.state is None for one in states)
    stale = sum(is_stale(one.last_read_at, at, gap_after) for one in states)
    said = (
        ["Each state began between last_seen_old and since; the exact time is not known."] if states else []
    )
    if none:
        said.append(f"{none} of {len(states)} have no confirmed status. They may be blocked or available.")
    if stale:
        said.append(
            f"{stale} of {len(states)} were not read lately before {instant(at)}. They had the status at "
            "last_read_at; it is not known whether they still had it."
        )
    if not states:
        said.append("No stored account matches. That does not mean that no account is affected.")
    return [*said, CAUSE]


def is_stale(last_read_at: datetime | None, at: datetime, gap_after: timedelta) -> bool:
    """Whether there was no reading in the usual time before `at`."""
    return last_read_at is None or at - last_read_at > gap_after


def _of_state(one: StateAt, at: datetime, gap_after: timedelta) -> list[str]:
    name = f"@{clean(one.handle)}"
    said: list[str] = []
    if one.state is None:
        said.append(f"No status of {name} was confirmed by then. It may be blocked or available.")
    else:
        began = interval(one.state.last_seen_old, one.state.since)
        said.append(f"The state of {name} began {began}. The exact time is not known.")
    if one.last_read_at is None:
        said.append(f"Blockline had not read {name} itself by then.")
    elif is_stale(one.last_read_at, at, gap_after):
        said.append(
            f"{name} was last read at {instant(one.last_read_at)}; nothing is known from then until "
            f"{instant(at)}."
        )
    return [*said, CAUSE]


def of_timeline(
    spells: Sequence[Spell], gaps: Sequence[Gap], last: datetime | None, since: datetime, until: datetime
) -> list[str]:
    """What is not known of one account in a period; `last` is its newest reading."""
    said: list[str] = []
    if not spells:
        said.append("No status was confirmed in this period. The account may have been blocked or available.")
    elif spells[0].since > since and spells[0].last_seen_old is None:
        said.append(f"Nothing is known before {instant(spells[0].since)}, the first reading.")
    if gaps:
        said.append(
            f"There were no readings in {len(gaps)} times of the period (coverage.gaps). A status that began "
            "and ended in one of them was not seen."
        )
    if last is None:
        said.append("Blockline has not read this account itself.")
    elif last < until:
        said.append(f"Nothing is known after {instant(last)}, the newest reading.")
    said.append("Each period and change lies between two readings; the exact time is not known.")
    return [*said, CAUSE]


def of_changes(changes: Sequence[Change], silences: int) -> list[str]:
    said = [
        "Each change happened after last_seen_old and at or before first_seen_new. The exact time is not "
        "known."
    ]
    if any(one.last_seen_old is None for one in changes):
        said.append("Where last_seen_old is null, no reading came before: the change may be much older.")
    if any(one.outcome == "provisional" for one in changes):
        said.append("Provisional changes may still be refuted.")
    if silences:
        said.append(
            f"There were {silences} times without any reading of a platform (coverage.silences). What began "
            "and ended in one of them was not seen."
        )
    if not changes:
        said.append("No change was seen. That is not evidence that nothing changed where nothing was read.")
    return [*said, "Only watched accounts are read.", CAUSE]


def of_order(sections: Sequence[OrderFigures], left_off: int) -> list[str]:
    """What is not known of how an order was followed, by its accounts and by its posts."""
    said = [sentence for figures in sections for sentence in _of_figures(figures)]
    if left_off:
        said.append(f"{left_off} accounts or posts are left off; the figures include them.")
    return [*said, CAUSE]


def _of_figures(figures: OrderFigures) -> Iterator[str]:
    counts, nouns = figures.funnel, f"{figures.noun}s"
    if not counts.read:
        yield f"None of its {nouns} was read, so nothing is known of their blocks."
    elif counts.read < counts.resolved:
        yield f"{counts.resolved - counts.read} of the {counts.resolved} {nouns} on its list were never read."
    if counts.blocked_stale:
        yield (
            f"{counts.blocked_stale} of the {counts.blocked_now} blocked {nouns} were blocked when last "
            "read, too long ago to count as current."
        )
    if counts.named > counts.resolved:
        yield (
            f"The order names {counts.named} {nouns}, of which {counts.named - counts.resolved} are not on "
            "its list. Nothing is known about those."
        )
    if unmatched := figures.outcomes.named - figures.outcomes.resolved:
        yield f"{unmatched} names of {nouns} in the order were not matched to one of them."


def of_evidence(change: Change, found: Material) -> list[str]:
    """What the evidence of a change does not prove."""
    said = [
        f"The change happened {interval(change.last_seen_old, change.first_seen_new)}. The exact time is not "
        "known."
    ]
    if change.outcome == "provisional":
        said.append("The change is provisional: later readings may refute it.")
    elif change.outcome == "not_confirmed":
        said.append("The change was not confirmed: later readings did not agree with it.")
    if change.superseded_by is not None:
        said.append(f"Change {change.superseded_by} corrects this one, which is no longer valid.")
    if found.coverage is None:
        said.append("Others published this change: Blockline has no request of its own for it.")
    if any(one.content is None for one in found.raw):
        said.append("Some raw answers were deleted. Their hashes remain.")
    if not found.anchors:
        said.append("No time-stamping authority has stamped the hash chain after this change.")
    return [
        *said,
        "The hash chain proves when this was recorded only to somebody who kept one of its heads.",
        f"The raw answers are in the evidence pack: blockline evidence {change.change_id}.",
        CAUSE,
    ]
