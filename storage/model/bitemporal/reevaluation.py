"""Pure: how changes and emails differ when they are re-evaluated, and why."""

from enum import StrEnum


class Effect(StrEnum):
    """How a re-evaluated change compares with the stored one."""

    SAME = "same"
    EARLIER = "earlier"
    """Confirmed in both, but by an earlier reading."""
    LATER = "later"
    NEVER = "never"
    """Stored as confirmed, and would not be confirmed in this period."""
    BESIDES = "besides"
    """Would be confirmed, and is not stored as confirmed."""
    OTHERWISE = "otherwise"
    """Different in some other way, though confirmed in neither, or by the same reading in both."""


class DifferenceCause(StrEnum):
    """Why a change differs."""

    THRESHOLDS = "thresholds"
    """The confirmation thresholds are not those in force."""
    COHORT = "cohort"
    """It depends on whether the account's list had just had a change. The order of answers and edits of a
    list at nearly the same time is not stored.
    """
    FOLLOWS = "follows"
    """An earlier change of the account differs."""
    UNEXPLAINED = "unexplained"
    """No known cause: with the rules in force this is a fault of Blockline or of the stored data."""


class MailCause(StrEnum):
    """Why an email differs."""

    RULES = "rules"
    """The alert rules, or the changes that they report, differ."""
    LATE = "late"
    """It reports a change that a late reading replaced, or follows such an email to the same recipient: at
    that time another row was stored in place of the change.
    """
    NOTIFIER = "notifier"
    """A digest sent at another time: no notifier ran when it was due, or the rule was changed."""
    UNEXPLAINED = "unexplained"


EFFECT_WORDS = {
    Effect.EARLIER: "confirmed earlier",
    Effect.LATER: "confirmed later",
    Effect.NEVER: "no longer confirmed",
    Effect.BESIDES: "newly confirmed",
    Effect.OTHERWISE: "other difference",
}
CAUSE_WORDS = {
    DifferenceCause.THRESHOLDS: "thresholds differ",
    DifferenceCause.COHORT: "order of changes on its list not stored",
    DifferenceCause.FOLLOWS: "earlier change of the account differs",
    DifferenceCause.UNEXPLAINED: "unexplained: fault of Blockline or of the stored data",
}
MAIL_CAUSE_WORDS = {
    MailCause.RULES: "rules or changes differ",
    MailCause.LATE: "late reading",
    MailCause.NOTIFIER: "digest due while no notifier ran",
    MailCause.UNEXPLAINED: "unexplained: fault of Blockline or of the stored data",
}
