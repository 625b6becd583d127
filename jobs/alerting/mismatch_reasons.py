"""Why a rule does not match an alert: the first of its conditions that fails. Pure; see `matching`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from jobs.alerting.matching import concerns, is_before, matches
from storage.model.alerts.alerts import AlertRow, AlertStage
from storage.model.alerts.rules import Match, StoredRule
from storage.model.text.states import PLATFORM_NAME, clean


class RuleCondition(StrEnum):
    """A condition of a rule. The values are part of the output of the command `alerts explain`."""

    ENABLED = "enabled"
    ACTIVE_SINCE = "active_since"
    TOLD_BEFORE = "told_before"
    """The rule must have reported the change. Tested only for a correction or an unresolved change."""
    PROVISIONAL = "provisional"
    KINDS = "kinds"
    LISTS = "lists"
    ORDERS = "orders"
    TARGETS = "targets"
    PLATFORMS = "platforms"
    COUNTRIES = "countries"
    TAGS = "tags"
    FOLLOWERS = "min_followers"
    EXECUTIVES = "executives"


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A condition that an alert fails, with a phrase that compares the rule with the alert."""

    condition: RuleCondition
    words: str


def unmatched(alert: AlertRow, stored: StoredRule) -> Unmatched | None:
    """Return the first condition of the rule that the alert fails. None if the rule matches (see
    `matching.concerns` and `matching.is_before`).
    """
    if concerns(alert, stored):
        before = "this was decided before the rule was added or last changed"
        return Unmatched(RuleCondition.ACTIVE_SINCE, before) if is_before(alert, stored) else None
    if not stored.enabled:
        return Unmatched(RuleCondition.ENABLED, "the rule is disabled")
    if alert.stage.is_answer:
        verb = "takes back" if alert.stage is AlertStage.WITHDRAWN else "ends"
        return Unmatched(RuleCondition.TOLD_BEFORE, f"it {verb} a change that this rule did not send")
    wanted = stored.rule.match
    if alert.stage is AlertStage.PROVISIONAL and not wanted.provisional:
        return Unmatched(
            RuleCondition.PROVISIONAL, "the rule asks for confirmed changes, and this was provisional"
        )
    return next(_failing(alert, wanted))


def _failing(alert: AlertRow, wanted: Match) -> Iterator[Unmatched]:
    """Yield each condition of a rule that the alert fails. Each condition is tested alone."""
    change = alert.change
    anything = Match(kinds=frozenset({change.kind}))
    alone = {
        RuleCondition.KINDS: (Match(kinds=wanted.kinds), wanted.kinds, [change.kind]),
        RuleCondition.LISTS: (
            replace(anything, lists=wanted.lists),
            wanted.lists,
            [c.name for c in alert.cohorts],
        ),
        RuleCondition.ORDERS: (
            replace(anything, orders=wanted.orders),
            wanted.orders,
            [c.order.reference for c in alert.cohorts if c.order],
        ),
        RuleCondition.TARGETS: (
            replace(anything, targets=wanted.targets),
            wanted.targets,
            ["a post" if change.is_post else "an account"],
        ),
        RuleCondition.PLATFORMS: (
            replace(anything, platforms=wanted.platforms),
            [PLATFORM_NAME[p] for p in wanted.platforms],
            [PLATFORM_NAME[change.platform]],
        ),
        RuleCondition.COUNTRIES: (
            replace(anything, countries=wanted.countries),
            wanted.countries,
            {*change.new.withheld_in, *(change.old.withheld_in if change.old is not None else ())},
        ),
        RuleCondition.TAGS: (replace(anything, tags=wanted.tags), wanted.tags, alert.tags),
        RuleCondition.FOLLOWERS: (
            replace(anything, min_followers=wanted.min_followers),
            [f"{wanted.min_followers:,} or more" if wanted.min_followers is not None else ""],
            [f"{alert.followers:,}"] if alert.followers is not None else [],
        ),
        RuleCondition.EXECUTIVES: (
            replace(anything, executives=wanted.executives),
            ["an executive's account"],
            ["another account"],
        ),
    }
    for condition, (match, asked, there) in alone.items():
        if not matches(alert, match):
            yield Unmatched(condition, _words(condition, asked, there))


def _words(condition: RuleCondition, asked: Iterable[str], there: Iterable[str]) -> str:
    found = ", ".join(sorted(map(clean, there)))
    if condition is RuleCondition.TARGETS:
        return f"the rule is about {_any(asked)}, and this is {found}"
    have = f"and this is {found}" if found else _NOTHING.get(condition, "and none is stored")
    return f"{_NOUNS[condition]}: the rule asks for {_any(asked)}, {have}"


_NOUNS = {
    RuleCondition.KINDS: "kind of change",
    RuleCondition.LISTS: "list",
    RuleCondition.ORDERS: "order",
    RuleCondition.PLATFORMS: "platform",
    RuleCondition.COUNTRIES: "country",
    RuleCondition.TAGS: "tag",
    RuleCondition.FOLLOWERS: "followers",
    RuleCondition.EXECUTIVES: "whose account",
}


_NOTHING = {
    RuleCondition.LISTS: "and the account is on none",
    RuleCondition.ORDERS: "and none names the account",
    RuleCondition.COUNTRIES: "and it is or was withheld in none",
}


def _any(asked: Iterable[str]) -> str:
    return " or ".join(clean(one) for one in sorted(asked)) or "none"
