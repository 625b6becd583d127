"""Pure: what becomes of changes and mails when they are decided again, and why."""

from enum import StrEnum


class Effect(StrEnum):
    """What becomes of a change when it is decided again."""

    SAME = "same"
    EARLIER = "earlier"
    """Confirmed as well, by an earlier reading."""
    LATER = "later"
    NEVER = "never"
    """It is stored as confirmed, and would not be confirmed in this time."""
    BESIDES = "besides"
    """It would be confirmed, and is not stored as confirmed."""
    OTHERWISE = "otherwise"
    """Told otherwise, though confirmed in neither, or by the same reading in both."""


class Cause(StrEnum):
    """Why a change is told otherwise."""

    THRESHOLDS = "thresholds"
    """The thresholds of confirmation are not those in force."""
    COHORT = "cohort"
    """It turns on whether the account's list had just had a change, and the store does not keep everything
    that decided this: of answers and edits of a list that came together it is not kept which was first.
    """
    FOLLOWS = "follows"
    """The account had come out otherwise before."""
    UNEXPLAINED = "unexplained"
    """Nothing that is known: with the rules in force this is a fault of Blockline or of the stored record."""


class MailCause(StrEnum):
    """Why somebody would be told otherwise."""

    RULES = "rules"
    """The alert rules, or the changes that they tell, are other ones."""
    LATE = "late"
    """It tells a change that a late reading told anew, or comes after such a mail to the same recipient: what
    stood in the place of the change before is told otherwise.
    """
    NOTIFIER = "notifier"
    """A digest whose time was another one: no notifier ran when it was due, or the rule was changed."""
    UNEXPLAINED = "unexplained"


EFFECT_WORDS = {
    Effect.EARLIER: "confirmed earlier",
    Effect.LATER: "confirmed later",
    Effect.NEVER: "no longer confirmed",
    Effect.BESIDES: "confirmed besides",
    Effect.OTHERWISE: "told otherwise",
}
CAUSE_WORDS = {
    Cause.THRESHOLDS: "other thresholds",
    Cause.COHORT: "whether its list had just had a change, which is not all on record",
    Cause.FOLLOWS: "the account had come out otherwise before",
    Cause.UNEXPLAINED: "not explained: a fault of Blockline, or of the stored record",
}
MAIL_CAUSE_WORDS = {
    MailCause.RULES: "other rules, or other changes",
    MailCause.LATE: "a reading that came in late",
    MailCause.NOTIFIER: "a digest that was due when no notifier ran",
    MailCause.UNEXPLAINED: "not explained: a fault of Blockline, or of the stored record",
}
