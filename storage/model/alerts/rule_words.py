"""Pure: alert rules in words. The dashboard, the commands and the doctor take them from here alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from storage.model.alerts.rule_codec import duration_text
from storage.model.alerts.rules import AbsentNames, AlertRule, Digest, Match, Severity
from storage.model.core.accounts import Platform, TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.labels import LabelStep
from storage.model.core.reachability import UNREACHABLE_DAYS
from storage.model.text.near_names import nearest
from storage.model.text.states import PLATFORM_NAME, capital, clean

DECISION_WORDS: Final[Mapping[str, str]] = {
    "mailed": "put into an email of its own",
    "grouped": "put into one email with others",
    "waiting": "waits, because its group may still grow",
    "spaced": "waits for the next update: something was sent about its incident recently",
    "quiet": "waits until the quiet hours of the rule end",
    "digest": "waits for the next digest or catch-up digest of the rule",
    "muted": "not sent: a mute covers it",
    "maintenance": "not sent: a maintenance window covers it",
    "unreachable": "not sent: most measurements from its countries did not reach the platform",
    "duplicate": "not sent: an earlier rule sends it to the same people",
    "no_rule": "not sent: no rule matched",
    "no_recipient": "not sent: the rule names nobody",
    "flapping": "not sent: the account goes back and forth, and one email said so",
    "unsubscribed": "not sent: all recipients unsubscribed from the digest it was for",
    "superseded": "not sent as provisional: it was confirmed first, which is a decision of its own",
    "corrected": "not sent: a later reading proved it wrong, or too early",
    "answered": "sent as a reply, only to those who had been notified of it before",
    "unwatched": "not sent as provisional: the account was no longer watched",
}
"""What a rule did with an alert, and why, by its decision."""


KIND_WORDS: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.BASELINE: "first readings",
    ChangeKind.BLOCK: "blocks",
    ChangeKind.RESTORATION: "restorations",
    ChangeKind.PARTIAL: "changes of countries",
    ChangeKind.PROTECTION: "protection by the owner",
    ChangeKind.GONE: "accounts that are gone",
    ChangeKind.RETURN: "accounts found again",
}
"""Each kind of change, as a rule is about it."""
LABEL_WORDS: Final[Mapping[LabelStep, str]] = {
    LabelStep.ADDED: "begins to withhold",
    LabelStep.LIFTED: "ceases to withhold",
}
"""What a labeler does, as a rule is about it."""
_DIGEST: Final = {Digest.DAILY: "one digest per day", Digest.WEEKLY: "one digest per week, on Mondays"}


def match_words(match: Match) -> str:
    """Which changes a rule is about: "Blocks, of accounts on Press, on X, with at least 10,000 followers"."""
    only = "" if match.only is None else "only "
    noun = TargetKind.ACCOUNTS if match.only is None else match.only
    parts = [
        _any(f"{only}of {noun} on ", match.lists) or (f"only of {noun}" if only else ""),
        _any("under ", match.orders),
        _any("on ", [PLATFORM_NAME[p] for p in Platform if p in match.platforms]),
        _any("in ", match.countries),
        _any("tagged ", match.tags),
        "" if match.min_followers is None else f"with at least {match.min_followers:,} followers",
        "of executives" if match.executives else "",
        "also when provisional" if match.provisional else "",
    ]
    return capital(", ".join([_kinds(match), *(p for p in parts if p)]))


def manner_words(rule: AlertRule) -> list[str]:
    """How a rule sends, one line each."""
    at = f"{rule.digest_at:%H:%M} {rule.zone}"
    if rule.digest is Digest.NONE:
        lines = [f"urgent news at once, the rest in a catch-up digest at {at}"]
    else:
        lines = [f"{_DIGEST[rule.digest]} at {at}"]
    lines += _notice_words(rule)
    if rule.not_if_unreachable:
        lines.append(
            "sends no changes while most measurements from their countries do not reach the platform"
        )
    if rule.severity is Severity.CRITICAL:
        lines.append("severity critical, which quiet hours do not delay")
    elif rule.severity is not Severity.WARNING:
        lines.append(f"severity {rule.severity.value}")
    if rule.quiet is not None:
        lines.append(f"quiet from {rule.quiet.begins:%H:%M} to {rule.quiet.ends:%H:%M} {rule.zone}")
    usual = AlertRule(())
    flapping = rule.flapping_changes, rule.flapping_period
    if flapping != (usual.flapping_changes, usual.flapping_period):
        within = duration_text(rule.flapping_period)
        lines.append(
            f"reports an account with {rule.flapping_changes} changes within {within} once, and its further "
            f"changes not for {within}"
        )
    if rule.remind_every is not None:
        lines.append(f"sends a reminder every {duration_text(rule.remind_every)}")
    for n, step in enumerate(rule.escalation):
        whom, within = ", ".join(step.to), duration_text(step.after)
        if n == 0:
            lines.append(f"notifies {whom} if nobody acknowledges or takes the incident within {within}")
        else:
            lines.append(f"notifies {whom} if nobody has by {within}")
    return lines


def _notice_words(rule: AlertRule) -> list[str]:
    """What else a rule sends, one line each."""
    lines: list[str] = []
    if rule.engagement:
        lines.append("also when an executive engages with an account that an order names")
    if rule.labels:
        steps = " and ".join(LABEL_WORDS[step] for step in LabelStep if step in rule.labels)
        lines.append(f"also when a country labeler {steps} accounts or posts, watched or not")
    if rule.networks:
        lines.append(
            f"also when most measurements from a country do not reach a platform for {UNREACHABLE_DAYS} "
            "days, and when they do again"
        )
    return lines


def rule_sentences(rule: AlertRule) -> str:
    """All that a rule does, in sentences: "Notifies desk@example.org of blocks, on X. Sends …"."""
    people = [clean(recipient, 120) for recipient in rule.recipients]
    whom = " and ".join([", ".join(people[:-1]), people[-1]] if len(people) > 1 else people) or "nobody"
    changes = match_words(rule.match)
    first, *others = manner_words(rule)
    said = [f"Notifies {whom} of {changes[:1].lower()}{changes[1:]}", f"Sends {first}", *map(capital, others)]
    return "".join(f"{sentence}. " for sentence in said).rstrip()


def absent_words(
    match: Match, absent: AbsentNames, lists: Sequence[str] = (), orders: Sequence[str] = ()
) -> list[str]:
    """A clause for each list and order that a rule names and that is not stored: nothing matches it. `lists`
    and `orders` are the stored names, of which the nearest is offered.
    """
    kinds = (("list", match.lists & absent.lists, lists), ("order", match.orders & absent.orders, orders))
    return [_absent(kind, name, known) for kind, names, known in kinds for name in sorted(names)]


def _absent(kind: str, name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    meant = "" if near is None else f"; did you mean {clean(near, 80)!r}?"
    return f"there is no {kind} {clean(name, 80)!r}, so nothing matches it{meant}"


def _kinds(match: Match) -> str:
    named = [KIND_WORDS[k] for k in ChangeKind if k in match.kinds]
    if match.only is TargetKind.POSTS:
        named = [words.replace("accounts", "posts") for words in named]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named) or "nothing"


def _any(before: str, names: Iterable[str]) -> str:
    """One of the names is enough."""
    known = [clean(name, 80) for name in sorted(names)]
    return before + " or ".join(known) if known else ""
