"""Pure: what a rule would have sent in a period, decided by the notifier that decides for real."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jobs.replay.simulate_notifier import Notifier, NotifierStart
from storage.model.alerts.alerts import (
    AlertChange,
    AlertDecision,
    AlertRow,
    AlertStage,
    MailKind,
    count_targets,
)
from storage.model.alerts.rule_preview import MOST_GROUPS, MOST_HANDLES, PreviewedGroup, RulePreview
from storage.model.alerts.rules import AlertRule, RuleId, StoredRule
from storage.model.bitemporal.alert_inputs import (
    AccountFacts,
    Fact,
    Overtaken,
    PastMail,
    RulesSince,
    SeenChange,
    StoredAlerts,
)
from storage.model.core.accounts import AccountId

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_PATIENCE = timedelta(hours=6)


def rules_on_trial(known: Sequence[StoredRule], rule: AlertRule) -> tuple[StoredRule, ...]:
    """Return the rules that decide a preview of `rule`, in the order in which they are tried, as if they had
    always been there.

    The rule takes the place of the one with its name, or else the last place, and counts as enabled. Rules
    that share no recipient with it are left out, because they change nothing about what it sends.
    """
    mine = next((s for s in known if s.rule.name == rule.name), None)
    number = max((s.rule_id for s in known), default=0) + 1 if mine is None else mine.rule_id
    on_trial = StoredRule(
        RuleId(number),
        rule,
        enabled=True,
        from_settings=False,
        active_since=_ALWAYS,
        digested_to=_ALWAYS,
        refused=frozenset() if mine is None else mine.refused,
    )
    placed = [on_trial if s is mine else s for s in known] + ([on_trial] if mine is None else [])
    people = set(rule.recipients)
    return tuple(
        replace(s, active_since=_ALWAYS, digested_to=_ALWAYS)
        for s in placed
        if s is on_trial or (s.enabled and not people.isdisjoint(s.rule.recipients))
    )


def wants_provisional(rules: Iterable[StoredRule]) -> bool:
    """Whether one of these rules reports changes when they are seen first."""
    return any(s.enabled and s.rule.match.provisional for s in rules)


def preview_rule(
    stored: StoredAlerts,
    seen: Sequence[SeenChange],
    facts: Mapping[AccountId, AccountFacts],
    rules: Sequence[StoredRule],
    name: str,
    since: datetime,
    until: datetime,
    *,
    was_read: bool,
) -> RulePreview:
    """Return what the rule called `name`, one of `rules`, would have sent from `since` until before `until`.

    `stored` are the alerts of that period and the mutes of then. `seen` are the provisional changes, empty if
    no rule reports those; `facts` are about their accounts. Changes that were recorded before `since` are not
    counted, even if their emails would have been sent later. `was_read` says whether any account gave a
    reading in that period.
    """
    births = [
        row for row in stored.rows if row.stage is AlertStage.CONFIRMED and since <= row.created_at < until
    ]
    overtaken = [*stored.overtaken]
    for number, one in enumerate(seen):
        rows, ends = _born(one, facts[one.change.account_id], -1 - 2 * number)
        births += rows
        overtaken += ends
    start = NotifierStart(
        [RulesSince(_ALWAYS, tuple(rules))],
        stored.mutes,
        stored.stories,
        stored.past,
        {},
        {},
        stored.forgotten,
        {**stored.cohorts, **{account_id: known.cohorts for account_id, known in facts.items()}},
        stored.unreachable,
    )
    notifier = Notifier(start, since, _PATIENCE, only_stirred=True)
    notifier.run(births, overtaken, until)
    mails = [mail for mail in notifier.mails if mail.rule == name]
    changes = {row.change.change_key: row.change for row in births}
    return RulePreview(
        since,
        until,
        len(mails),
        tuple(sorted({mail.recipient for mail in mails})),
        len({key for mail in mails for key, _ in mail.facts}),
        _largest(mails, changes),
        was_read,
    )


def _born(one: SeenChange, facts: AccountFacts, alert_id: int) -> tuple[list[AlertRow], list[Overtaken]]:
    """The alert of a change that was seen first, and that of its end if it was not confirmed."""
    seen = AlertRow(
        alert_id,
        one.seen_at,
        one.change,
        (),
        AlertStage.PROVISIONAL,
        facts.tags,
        facts.followers,
        facts.is_executive,
    )
    if one.decided_at is None:
        return [seen], []
    if one.is_confirmed:  # its alert is stored
        return [seen], [Overtaken(one.decided_at, alert_id, AlertDecision.SUPERSEDED)]
    decision, stage = AlertDecision.CORRECTED, AlertStage.WITHDRAWN
    if one.is_unwatched:
        decision, stage = AlertDecision.UNWATCHED, AlertStage.UNRESOLVED
    end = replace(seen, alert_id=alert_id - 1, stage=stage, created_at=one.decided_at)
    return [seen, end], [Overtaken(one.decided_at, alert_id, decision)]


def _largest(mails: Iterable[PastMail], changes: Mapping[str, AlertChange]) -> tuple[PreviewedGroup, ...]:
    groups: dict[tuple[datetime, MailKind, frozenset[Fact]], list[PastMail]] = {}
    for mail in mails:
        groups.setdefault((mail.at, mail.kind, mail.facts), []).append(mail)
    found: list[PreviewedGroup] = []
    for (at, kind, facts), same in groups.items():
        told = {changes[key].account_id: changes[key].handle for key, _ in facts}
        count = count_targets(changes[key] for key, _ in facts)
        handles = tuple(sorted(told.values())[:MOST_HANDLES])
        found.append(PreviewedGroup(at, kind, same[0].headline, len(same), count, handles))
    return tuple(sorted(found, key=lambda g: (-g.count.total, g.at, g.headline))[:MOST_GROUPS])
