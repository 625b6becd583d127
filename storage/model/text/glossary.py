"""Every term of the interface in one sentence: pages show it on hover, docs/reference/glossary.md lists it.

`python -m storage.model.text.glossary > docs/reference/glossary.md` writes the page; a test compares the two.
"""

import sys
from collections.abc import Mapping
from types import MappingProxyType

SECTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "What is watched": {
            "account": (
                "One identity on one platform, known by the id that never changes; its handle may change."
            ),
            "post": "One post of an account, or one video, watched like an account.",
            "list": "A named set of accounts that belong together; an account can be on many lists.",
            "order": "A legal demand to block accounts or posts, with issuer, country, basis and deadline.",
            "executive": "A person who runs a platform, and whose public engagements are collected.",
            "engagement": "One like, repost, quote, reply, post or follow of an executive.",
            "batch": "The accounts that one request asks for together.",
            "control account": (
                "An account whose status is known, asked in the same request, so that an outage is not "
                "mistaken for many blocks."
            ),
            "vantage point": "The network connection or country from which a platform is asked.",
            "sentinel account": (
                "One of the few accounts of a list that are read most often, to notice a wide block early."
            ),
        },
        "What a reading says": {
            "reading": "One conclusive answer of a platform about one account at one time.",
            "missed": "An attempt that gave no conclusive answer; it never begins, ends or shortens a block.",
            "status": (
                "What the platform said of an account: available, protected, withheld, suspended, "
                "deactivated or not found."
            ),
            "available": "The platform shows the account.",
            "protected": "The owner shows the account to approved followers only.",
            "withheld": "The platform hides the account in the countries named.",
            "suspended": (
                "The platform says that it suspended the account; some platforms answer alike for one that "
                "its owner deleted."
            ),
            "deactivated": "The platform says that the account is deactivated; it may not say by whom.",
            "not found": "The platform has no such account; why is not known.",
            "gone": (
                "One word for several statuses together: not found, deactivated, and suspended or deleted "
                "where the platform does not say which."
            ),
            "with its author's account": (
                "The platform hides or removed the whole account of a post's author, and not the post alone."
            ),
            "not checked": "No conclusive answer in the last two sweeps, so the status now is not known.",
            "never read": "No conclusive answer since the account was added, so nothing is known about it.",
            "coverage": "The record of which accounts were asked for, which were answered, and when.",
            "gap": "A time in which no conclusive answer was recorded.",
            "lane": "The row of one account in a chart over time.",
            "quarantined": (
                "An answer that is kept but not believed, because its control accounts looked wrong."
            ),
        },
        "What a change says": {
            "change": "An account was seen with one status and later with another.",
            "change window": (
                "The time between the last reading with the old status and the first with the new one: the "
                "change happened in between."
            ),
            "block": "A change to withheld or suspended; “suspended or deleted” is not one.",
            "restoration": "A change from withheld or suspended back to available.",
            "partial": "A withheld account for which countries were added or removed.",
            "first state": "What the first reading of an account showed; it is not a change.",
            "provisional": "Seen, but not yet confirmed by enough further readings.",
            "confirmed": "Seen in as many readings as the confirmation rule asks for.",
            "not confirmed": "Seen, but later readings showed otherwise; it is kept and does not count.",
            "status period": "The time in which an account kept one status, between two confirmed changes.",
            "block period": (
                "A time in which an account was blocked, until a reading showed it again; time without "
                "readings, more countries, or a suspension that follows do not end it."
            ),
            "repeatedly blocked": "Having two or more block periods: blocked, seen shown, and blocked again.",
            "flapping": "Going back and forth between statuses several times within a short time.",
            "cohort": "Accounts that are expected to change together, such as those of one order.",
            "other changes": "Changes that are neither a block nor a restoration.",
            "as known at": "What was recorded by the moment chosen, without anything learned later.",
            "claimed": "What an authority, a platform or a publication says happened.",
            "observed": "What Blockline's own readings showed.",
        },
        "What is sent": {
            "alert": "A change that a rule selected for somebody.",
            "group of changes": (
                "Changes that belong together and are sent in one email, not in one email each."
            ),
            "incident": (
                "A group of changes and everything that followed it: updates, corrections, acknowledgement."
            ),
            "acknowledged": "Somebody has taken charge of an incident, so its reminders stop.",
            "digest": "A daily or weekly summary of what was sent.",
            "catch-up digest": (
                "One email in the morning with what is new in a rule's incidents and was not urgent enough "
                "to be sent at once."
            ),
            "quiet hours": "Hours in which a rule delays its alerts.",
            "reminder": "A repeated alert for an incident that nobody has acknowledged.",
            "escalation": "An alert to further people, because nobody has acknowledged the incident in time.",
            "delivery": "One attempt to hand a message to one recipient's server.",
            "dead letter": "A message that failed permanently and is kept for somebody to look at.",
        },
        "How it runs": {
            "sweep": "One reading of every account of a platform, and the time planned for it.",
            "guaranteed interval": (
                "The longest time that may pass between two readings of an account of a list."
            ),
            "scheduled read": "A reading that came due by the sweep, not by a change or a request.",
            "daily cost limit": "The most that may be spent on readings of a platform in one day.",
            "collector": "The part of Blockline that asks one platform.",
            "leader": "The one process that plans what is read next on a platform.",
            "worker": "A process that makes the planned requests.",
            "maintenance task": "Work that runs at fixed times: anchoring, retention, clean-up.",
            "outbox": "The messages that wait to be sent.",
            "failing": "The latest attempts gave no conclusive answer.",
            "paused": "Nothing is asked until the time shown, or until somebody resumes it.",
            "silent": "No answer arrived for longer than expected, and no error is recorded.",
            "backtest": (
                "A run of the real program over recorded history, to see what it would have detected."
            ),
        },
        "What proves it": {
            "evidence": "The raw answers of a platform that a change rests on.",
            "evidence pack": (
                "A file with a change, its evidence and what is needed to check both without Blockline."
            ),
            "hash chain": (
                "A list in which each entry contains the hash of the one before, so that an edit shows."
            ),
            "anchor": "A hash of the chain, published elsewhere at a known time.",
            "purge": "The removal of an account's evidence and handles; that it happened stays recorded.",
        },
    }
)
"""Headings, and below each its terms in the order in which one would explain them."""

TERMS: Mapping[str, str] = MappingProxyType({k: v for terms in SECTIONS.values() for k, v in terms.items()})
"""A term in lower case and its sentence."""


def markdown() -> str:
    """docs/reference/glossary.md, whole."""
    parts = ["# Glossary\n\nThe words of Blockline's pages, mails and commands, each in one sentence.\n"]
    for heading, terms in SECTIONS.items():
        rows = "".join(f"| **{term}** | {sentence} |\n" for term, sentence in terms.items())
        parts.append(f"\n## {heading}\n\n| Term | Meaning |\n| --- | --- |\n{rows}")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(markdown())
