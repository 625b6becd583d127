"""Pure: what the decisions of alert rules mean to a reader."""

from collections.abc import Mapping
from typing import Final

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
