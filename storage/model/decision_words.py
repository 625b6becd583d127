"""Pure: what the words of alert rules and their decisions mean to a reader."""

from collections.abc import Mapping
from typing import Final

from storage.model.accounts import Platform
from storage.model.rules import TOLD_BY_DEFAULT, AlertRule, Digest, Match
from storage.model.words import PLATFORM_NAME, clean

DECISION_WORDS: Final[Mapping[str, str]] = {
    "mailed": "put into a mail of its own",
    "grouped": "put into one mail with others",
    "waiting": "waits, for its wave may still grow",
    "spaced": "waits for the next update of its story, which was told lately",
    "quiet": "waits until the quiet hours of the rule are over",
    "digest": "waits for the next round-up or digest of the rule",
    "muted": "not told: a mute covers it",
    "maintenance": "not told: a maintenance window covers it",
    "duplicate": "not told: an earlier rule tells the same people",
    "no_rule": "not told: no rule matched",
    "no_recipient": "not told: the rule names nobody",
    "flapping": "not told: the account goes back and forth, and one mail said so",
    "unsubscribed": "not told: it was for a digest that none of its recipients wants",
    "superseded": "not told as provisional: it was confirmed before, and that is told",
    "corrected": "not told: a later reading shows that it was not so, or not yet",
}
"""What a rule did with an alert, and why, by its decision."""


def match_words(match: Match) -> str:
    """Which changes a rule is about, in one line: `lists Farmers, Press; in IN; any kind that is told`."""
    parts: list[str] = []
    for singular, plural, names in (
        ("list", "lists", match.lists),
        ("order", "orders", match.orders),
        ("tag", "tags", match.tags),
    ):
        if names:
            word = singular if len(names) == 1 else plural
            parts.append(f"{word} {', '.join(clean(name) for name in sorted(names))}")
    if match.platforms:
        parts.append("on " + ", ".join(PLATFORM_NAME[p] for p in Platform if p in match.platforms))
    if match.countries:
        parts.append("in " + ", ".join(sorted(match.countries)))
    if match.min_followers is not None:
        parts.append(f"at least {match.min_followers:,} followers")
    if match.executives:
        parts.append("executives only")
    if match.kinds != TOLD_BY_DEFAULT:
        parts.append(", ".join(sorted(kind.value for kind in match.kinds)) or "no kind of change")
    if match.provisional:
        parts.append("provisional too")
    return "; ".join(parts) or "everything"


def manner_words(rule: AlertRule) -> str:
    """How a rule tells: in waves at once, or in digests."""
    if rule.digest is Digest.NONE:
        return "waves"
    day = "daily" if rule.digest is Digest.DAILY else "weekly"
    return f"{day} digest, {rule.digest_at:%H:%M} {rule.zone}"
