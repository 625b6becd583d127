"""Pure: rules that can never be the first to notify anybody, because rules before them do so no later.

Of the rules that send groups at once, only the first that matches notifies a recipient. A rule is silenced if
every change that it matches is matched by earlier rules too, which notify all its recipients.
"""

from collections.abc import Iterable, Sequence, Set

from storage.model.alerts.rules import Digest, Match, StoredRule


def silenced_by(rule: StoredRule, rules: Sequence[StoredRule]) -> list[StoredRule]:
    """Return the earlier rules because of which `rule` never notifies anybody, in their order; empty if it
    can. `rules` are all rules in the order in which they are tried.

    A rule with a digest repeats what others sent, so it is never silenced, and silences none. Engagements,
    labels and networks are sent by every rule that asks for them.
    """
    if not rule.enabled or rule.rule.digest is not Digest.NONE or not rule.rule.recipients:
        return []
    if rule.rule.has_notices:
        return []
    left = set(rule.rule.recipients)
    found: list[StoredRule] = []
    for one in rules:
        if one.rule_id == rule.rule_id or not left:
            break
        is_one = one.enabled and one.rule.digest is Digest.NONE and one.active_since <= rule.active_since
        is_one = is_one and (rule.rule.not_if_unreachable or not one.rule.not_if_unreachable)
        if is_one and is_within(rule.rule.match, one.rule.match) and left & set(one.rule.recipients):
            found.append(one)
            left -= set(one.rule.recipients)
    return found if not left else []


def is_within(narrow: Match, wide: Match) -> bool:
    """Whether every change that `narrow` matches is matched by `wide`; False if that is not certain."""
    return (
        narrow.kinds <= wide.kinds
        and all(
            _is_part(narrow_set, wide_set)
            for narrow_set, wide_set in (
                (narrow.lists, wide.lists),
                (narrow.orders, wide.orders),
                (narrow.targets, wide.targets),
                (narrow.platforms, wide.platforms),
                (narrow.countries, wide.countries),
                (narrow.tags, wide.tags),
            )
        )
        and (
            wide.min_followers is None
            or (narrow.min_followers is not None and narrow.min_followers >= wide.min_followers)
        )
        and (narrow.executives or not wide.executives)
        and (wide.provisional or not narrow.provisional)
    )


def _is_part(narrow: Set[object], wide: Set[object]) -> bool:
    """Of two conditions of which one name is enough; one without a name is met by everything."""
    return not wide or (bool(narrow) and narrow <= wide)


def silenced_words(names: Iterable[str]) -> str:
    """Why a rule is silent, as a sentence. `names` are those of `silenced_by`."""
    by = " and ".join(repr(name) for name in names)
    return (
        f"This rule never notifies anybody: all that it matches is sent to the same people by {by}, tried "
        "before it."
    )
