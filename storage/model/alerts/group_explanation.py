"""Pure: what each alert rule would do with the newest group of an incident, and what it did, in words."""

from dataclasses import dataclass

from storage.model.text.states import clean
from storage.model.text.units import number

MOST_ALERTS = 500
"""Alerts of a group that are explained, the oldest first."""
EXPLANATION_LIMITS = (
    "Matches are computed with the present rules, lists and tags, without mutes, unreachable platforms, "
    "quiet hours and earlier emails. Decisions are shown as recorded."
)


@dataclass(frozen=True, slots=True)
class AlertsPerReason:
    """Why a rule does not match some alerts of a group, or what it decided about them."""

    reason: str
    """The name of the condition or of the decision."""
    words: str
    alerts: int


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule would do with the alerts of a group, and what it did."""

    rule: str
    recipients: tuple[str, ...]
    matches: int
    """Alerts that the rule matches as it is now."""
    unmatched: tuple[AlertsPerReason, ...]
    """Why it does not match the others."""
    decided: tuple[AlertsPerReason, ...]
    """What it decided then; empty if it decided nothing."""


@dataclass(frozen=True, slots=True)
class GroupExplanation:
    """The newest group of an incident, with the outcome of every rule in their order."""

    group: int
    """Its number in the incident, from 1."""
    alerts: int
    """Alerts that are explained."""
    left_out: int
    """Alerts of the group beyond MOST_ALERTS."""
    rules: tuple[RuleOutcome, ...]


def group_words(found: GroupExplanation) -> str:
    """Say which alerts are explained."""
    more = f" {found.left_out:,} more are left out." if found.left_out else ""
    return f"Group {found.group} of the incident, {number(found.alerts, 'alert')}.{more} {EXPLANATION_LIMITS}"


def match_outcome_words(outcome: RuleOutcome) -> list[str]:
    """Say how many alerts a rule matches now, and why not the others."""
    said = [f"Matches {number(outcome.matches, 'alert')}"] if outcome.matches else ["Matches none"]
    return said + [f"Not {one.alerts:,}: {clean(one.words, 200)}" for one in outcome.unmatched]


def decided_words(outcome: RuleOutcome) -> list[str]:
    """Say what a rule did with the alerts then."""
    done = [f"{number(one.alerts, 'alert')}: {one.words}" for one in outcome.decided]
    return done or ["Decided nothing about them"]


def would_notify_words(outcome: RuleOutcome) -> str:
    """Say whom a rule would notify; "nobody" if it matches no alert or names no recipient."""
    if not outcome.matches or not outcome.recipients:
        return "nobody"
    return ", ".join(clean(one, 200) for one in outcome.recipients)
