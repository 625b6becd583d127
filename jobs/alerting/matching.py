"""Which rules match a change, and whom each of them still has to notify. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, Cohort
from storage.model.alerts.rules import Digest, Match, Mute, StoredRule
from storage.model.core.reachability import UnreachablePeriod


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that matches an alert, and the recipients whom the rule would notify."""

    stored: StoredRule
    recipients: tuple[str, ...]
    """The rule's recipients that no earlier rule notifies."""
    silence: AlertDecision | None = None
    """Why the rule notifies no recipient; None if it notifies at least one."""
    mute_id: int | None = None

    def reached(self, alert: AlertRow) -> set[str]:
        """Return the recipients who need no reply (see `jobs.alerting.replies`), because this rule notifies
        them of the outcome.

        If the rule has no digest, return all of `recipients`. If the rule has a digest, return only the
        recipients who were sent the change in digests and in no other email.
        """
        if self.stored.rule.digest is Digest.NONE:
            return set(self.recipients)
        owed = alert.owed
        return {r for r in self.recipients if r in owed and owed[r].by_digest}

    def is_refused(self, alert: AlertRow) -> bool:
        """Whether some recipient needs this alert, but would not get it in a catch-up digest.

        Such a recipient was sent the change in an email that was not a digest, and has unsubscribed from the
        rule's digests.
        """
        owed, refused = alert.owed, self.stored.refused
        return any(r in refused and r in owed and not owed[r].by_digest for r in self.recipients)


def match_rules(
    alert: AlertRow,
    rules: Sequence[StoredRule],
    mutes: Iterable[Mute],
    unreachable: Collection[UnreachablePeriod] = (),
) -> list[RuleMatch]:
    """Return the rules that match an alert, in the order given. Empty if none matches.

    Of the rules without a digest, only the first match notifies a recipient. Digests repeat what other rules
    sent. A rule that is silent because a platform is unreachable leaves its recipients to later rules.
    """
    not_reached = is_from_unreachable(alert, unreachable)
    mute = next((m for m in mutes if covers(m, alert)), None)
    taken: set[str] = set()
    found: list[RuleMatch] = []
    for stored in rules:
        if not concerns(alert, stored) or is_before(alert, stored):
            continue
        named = tuple(dict.fromkeys(stored.rule.recipients))
        if alert.stage.is_answer:
            named = tuple(r for r in named if r in alert.owed and stored.rule_id in alert.owed[r].rules)
        left, is_kept_back = named, not_reached and stored.rule.not_if_unreachable
        if stored.rule.digest is Digest.NONE:
            left = tuple(r for r in named if r not in taken)
            taken.update(() if is_kept_back else named)
        silence = None
        if mute is not None:
            silence = AlertDecision.MAINTENANCE if mute.is_maintenance else AlertDecision.MUTED
        elif is_kept_back:
            silence = AlertDecision.UNREACHABLE
        elif not named:
            silence = AlertDecision.NO_RECIPIENT
        elif not left:
            silence = AlertDecision.DUPLICATE
        found.append(RuleMatch(stored, left, silence, mute.mute_id if mute else None))
    return found


def concerns(alert: AlertRow, stored: StoredRule) -> bool:
    """Whether a rule matches an alert.

    A correction or an unresolved change matches if the rule is enabled and reported the change to one of its
    present recipients. The rule's conditions are not tested. Other recipients of the change get a reply (see
    `replies.Reply`).
    """
    match alert.stage:
        case AlertStage.WITHDRAWN | AlertStage.UNRESOLVED:
            return stored.enabled and any(
                stored.rule_id in word.rules and recipient in stored.rule.recipients
                for recipient, word in alert.owed.items()
            )
        case AlertStage.PROVISIONAL:
            return stored.enabled and stored.rule.match.provisional and matches(alert, stored.rule.match)
        case AlertStage.CONFIRMED:
            return stored.enabled and matches(alert, stored.rule.match)


def is_before(alert: AlertRow, stored: StoredRule) -> bool:
    """Whether an alert is too old to be news for a rule.

    True if the alert was recorded before the rule became active, and other rules have handled the alert but
    this rule has not. Always False for a correction or an unresolved change.
    """
    if alert.stage.is_answer or alert.created_at >= stored.active_since:
        return False
    looked_at = alert.done | alert.held
    return bool(looked_at) and stored.rule_id not in looked_at


def matches(alert: AlertRow, wanted: Match) -> bool:
    change = alert.change
    return (
        change.kind in wanted.kinds
        and _one_of(wanted.lists, {c.name for c in alert.cohorts})
        and _one_of(wanted.orders, {c.order.reference for c in alert.cohorts if c.order})
        and _one_of(wanted.targets, {change.target})
        and _one_of(wanted.platforms, {change.platform})
        and _one_of(wanted.countries, countries(alert))
        and _one_of(wanted.tags, alert.tags)
        and (wanted.min_followers is None or (alert.followers or -1) >= wanted.min_followers)
        and (alert.is_executive or not wanted.executives)
    )


def covers(mute: Mute, alert: AlertRow) -> bool:
    """Whether a mute covers this alert. The alert must have been recorded while the mute ran. The alert must
    also be about the account or list that the mute names. A mute that names neither covers every alert.

    A correction or an unresolved change is never muted. Otherwise a recipient would keep an email that has
    become false.
    """
    if alert.stage.is_answer or alert.created_at < mute.since:
        return False
    if mute.until is not None and alert.created_at >= mute.until:
        return False
    if mute.account_id is not None:
        return mute.account_id == alert.change.account_id
    return mute.list_id is None or any(c.list_id == mute.list_id for c in alert.cohorts)


def is_from_unreachable(alert: AlertRow, periods: Iterable[UnreachablePeriod]) -> bool:
    """Whether the platform was mostly unreachable from every country that the change concerns, by what was
    known when the alert was recorded. False if the change concerns no country.

    Always False for a correction or an unresolved change, as for mutes.
    """
    concerned = countries(alert)
    if alert.stage.is_answer or not concerned:
        return False
    platform, at = alert.change.platform, alert.created_at
    return concerned <= {p.country for p in periods if p.platform == platform and p.covers(at)}


def countries(alert: AlertRow) -> set[str]:
    """The countries that a change concerns: in which the account is or was withheld."""
    old, new = alert.change.old, alert.change.new
    return {*new.withheld_in, *(old.withheld_in if old is not None else ())}


def _one_of(wanted: Collection[object], there: Collection[object]) -> bool:
    return not wanted or any(one in there for one in wanted)


def cohort_of(cohorts: Iterable[Cohort], first_seen_new: datetime) -> Cohort | None:
    """Return the one cohort under which a change is reported. None if the account is on no list.

    Cohorts with an order come first. Of these, the newest order issued by `first_seen_new` is chosen. If
    every order was issued later, the oldest order is chosen. If no cohort has an order, the list whose name
    comes first in the alphabet is chosen.
    """
    lists = sorted(cohorts, key=lambda c: c.name)
    by_issue = sorted(
        ((c.order.issued_at, c.order.reference, c) for c in lists if c.order), key=lambda o: o[:2]
    )
    if not by_issue:
        return lists[0] if lists else None
    before = [o for o in by_issue if o[0] <= first_seen_new]
    return (before[-1] if before else by_issue[0])[2]
