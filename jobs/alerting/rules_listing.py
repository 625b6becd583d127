"""Pure: the rules as `alerts rules` lists them: those on file, and what stands otherwise in the settings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.model.alerts.rule_words import absent_words
from storage.model.alerts.rules import AbsentNames, AlertRule, StoredRule


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule in the list."""

    rule: AlertRule
    enabled: bool
    from_settings: bool
    on_file: bool
    """False: it stands in the settings alone, and tells nobody before the next run."""


def rules_shown(stored: Sequence[StoredRule], settings: Iterable[AlertRule]) -> list[ListedRule]:
    """In the order in which they are tried; those that only stand in the settings where they will be."""
    there = {s.rule.name for s in stored}
    new = [
        ListedRule(rule, enabled=True, from_settings=True, on_file=False)
        for rule in settings
        if rule.name not in there
    ]
    known = [ListedRule(s.rule, s.enabled, s.from_settings, on_file=True) for s in stored]
    return [*(k for k in known if k.from_settings), *new, *(k for k in known if not k.from_settings)]


def notes(stored: Sequence[StoredRule], settings: Sequence[AlertRule], absent: AbsentNames) -> list[str]:
    """What the list does not say: what the next run brings from the settings, and names that mean nothing."""
    wanted = {rule.name: rule for rule in settings}
    kept = {s.rule.name: s for s in stored if s.from_settings}
    by_hand = {s.rule.name for s in stored if not s.from_settings}
    shown = rules_shown(stored, settings)
    return [
        *(
            f"Rule {one.rule.name!r} stands in the settings and takes effect at the next `blockline run`."
            for one in shown
            if not one.on_file
        ),
        *(
            f"Rule {name!r} stands otherwise in the settings: that takes effect at the next `blockline run`."
            for name, s in kept.items()
            if name in wanted and wanted[name] != s.rule
        ),
        *(
            f"Rule {name!r} is not in the settings any more and goes at the next `blockline run`."
            for name in kept
            if name not in wanted
        ),
        *(
            f"Rule {name!r} stands in the settings, and there is one by hand: remove or rename one of them."
            for name in wanted
            if name in by_hand
        ),
        *(
            f"Rule {one.rule.name!r}: {said}."
            for one in shown
            for said in absent_words(one.rule.match, absent)
        ),
    ]
