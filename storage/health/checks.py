"""Issues of the monitor itself: what is wrong, since when, and what to do, in words that claim no more.

Decided once, from what is stored, for the Health page, `status`, `doctor`, metrics and mails to operators.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from storage.health.collectors_report import CollectorReport
from storage.health.condition_facts import (
    ConditionFacts,
    MailFacts,
    PlatformCoverage,
    RetiredControls,
    Thresholds,
    UndeliveredMails,
)
from storage.health.labeler_checks import labeler_checks, labeler_ending
from storage.health.network_checks import network_checks, network_ending
from storage.health.worker_checks import worker_checks, worker_ending
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, UnreadableRule
from storage.model.core.accounts import Platform
from storage.model.core.availability import BREAKERS, MissedReason
from storage.model.core.late import LATE_AT_MOST
from storage.model.platforms.registry import DECLARED
from storage.model.text.collectors import WAIT, collector_name, to_do, why_words
from storage.model.text.states import PLATFORM_NAME, clean, handle_name, quoted
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import number, span

_IS_IT_RUNNING = (
    "Check that the command “blockline run” is running and reads this platform. The command “blockline "
    "doctor” shows what is missing."
)
_LATE_TO_DO = (
    "See on the Health page which collectors are not OK, and stop watching accounts whose server no longer "
    "exists. If all collectors are OK, more accounts are watched than can be read in time. Watch fewer, or "
    "raise the setting sweep_every."
)
_UNTOLD_TO_DO = (
    "Check that the command “blockline run” is running with the role notify. If it is, see its log for the "
    "error."
)
_UNTRIED_TO_DO = (
    "Check that the command “blockline run” is running with the role notify, and that smtp_host is set."
)
_REFUSED_TO_DO = (
    "The command “blockline doctor” tests the mail server, shows its answer, and lists channels that are not "
    "set."
)
_GIVEN_UP_TO_DO = (
    "They were not delivered and are not retried. The Mail page shows their text and the error. Correct the "
    "address or the mail server, then send them again."
)


def checks(facts: ConditionFacts, thresholds: Thresholds) -> list[Condition]:
    """All open conditions, causes before what follows from them."""
    now = facts.at
    in_use = {c.platform for c in facts.coverage}
    sources = [s for s in facts.sources if s.platform in in_use]
    found = [
        *worker_checks(facts.machines, now),
        *(_stopped(s) for s in sources),
        *(_quarantined(s, now, thresholds) for s in sources),
        *(retired_check(r) for r in facts.retired if r.platform in in_use),
        *(_blind(c, sources, now, thresholds) for c in facts.coverage),
        *(
            late_check(c.platform, c.due - c.due_heard, c.due_targets, now, thresholds)
            for c in facts.coverage
        ),
        *labeler_checks(facts.labelers, now),
        *network_checks(facts.networks, now),
        *mail_checks(facts.mails, now, thresholds),
        rules_check(facts.unreadable, now),
    ]
    return [one for one in found if one is not None]


def unexplained(found: Iterable[Condition]) -> list[Condition]:
    """Those to be noticed: without what only follows from another one of the same platform.

    A collector that has no credits reads nothing, so that everybody is late: that is one issue.
    """
    found = list(found)
    whole = {
        (c.key.platform, c.key.kind) for c in found if _is_whole(c.key.platform, c.key.place, c.key.vantage)
    }
    return [c for c in found if not any((c.key.platform, cause) in whole for cause in _CAUSES[c.key.kind])]


_STOPPED = frozenset({ConditionKind.CREDENTIALS_OR_CREDITS, ConditionKind.CONTROL_ACCOUNTS_HELD})
_UNASKED = frozenset({ConditionKind.QUEUE_STUCK, ConditionKind.PLANNER_UNHEARD})
_CAUSES: dict[ConditionKind, frozenset[ConditionKind]] = {
    ConditionKind.CREDENTIALS_OR_CREDITS: frozenset(),
    ConditionKind.CONTROL_ACCOUNTS_HELD: frozenset(),
    ConditionKind.CONTROL_ACCOUNTS_RETIRED: frozenset(),
    ConditionKind.CLOCK_OFF: frozenset(),
    ConditionKind.REFUSED_ALONE: frozenset(),
    ConditionKind.OTHER_ADDRESS: frozenset(),
    ConditionKind.REQUESTS_HELD: frozenset(),
    ConditionKind.QUEUE_STUCK: frozenset(),
    ConditionKind.PLANNER_UNHEARD: frozenset(),
    ConditionKind.COLLECTOR_BLIND: _STOPPED | _UNASKED,
    ConditionKind.COVERAGE_LATE: _STOPPED | _UNASKED | {ConditionKind.COLLECTOR_BLIND},
    ConditionKind.OUTBOX_STUCK: frozenset(),
    ConditionKind.DEAD_LETTERS: frozenset(),
    ConditionKind.LABELS_UNHEARD: _UNASKED,
    ConditionKind.LABELS_MISSING: frozenset(),
    ConditionKind.LABELS_REFUSED: frozenset(),
    ConditionKind.NETWORKS_UNREAD: frozenset(),
    ConditionKind.RULES_UNREADABLE: frozenset(),
    ConditionKind.DATABASE_UNUSABLE: frozenset(),
}


def ending(key: ConditionKey, facts: ConditionFacts, thresholds: Thresholds) -> str:
    """The state when a condition has ended: that something works again only where that was seen."""
    if key.kind is ConditionKind.OUTBOX_STUCK:
        return "No email is stuck any more"
    if key.kind is ConditionKind.DEAD_LETTERS:
        return f"No email failed permanently in the last {span(thresholds.given_up_within)}"
    if key.kind is ConditionKind.RULES_UNREADABLE:
        return "All alert rules can be read"
    if (said := worker_ending(key, facts.machines, facts.at)) is not None:
        return said
    if (said := labeler_ending(key, facts.labelers)) is not None:
        return said
    if (said := network_ending(key, facts.networks)) is not None:
        return said
    if key.platform is None:
        raise ValueError(f"a condition of kind {key.kind} must name a platform")
    coverage = next((c for c in facts.coverage if c.platform is key.platform), None)
    if key.kind in _STOPPED:
        return _source_now(key, key.platform, facts, is_used=coverage is not None)
    name = PLATFORM_NAME[key.platform]
    if key.kind is ConditionKind.CONTROL_ACCOUNTS_RETIRED:
        source = collector_name(key.platform, key.place, key.vantage)
        return f"The settings no longer name retired control accounts of {source}"
    if coverage is None or not coverage.due:
        return f"No watched account is due for a reading on {name}"
    if key.kind is ConditionKind.COLLECTOR_BLIND:
        none = f"{coverage.due_targets.none} on {name} is overdue for a reading"
        return f"{name} is read again" if coverage.heard else none
    return (
        f"On {name} {coverage.due_heard:,} of {coverage.due_targets.whole()} were read in the last "
        f"{span(thresholds.late_after)}"
    )


def _source_now(key: ConditionKey, platform: Platform, facts: ConditionFacts, *, is_used: bool) -> str:
    name = collector_name(platform, key.place, key.vantage)
    where = (platform, key.place, key.vantage)
    source = next((s for s in facts.sources if (s.platform, s.place, s.vantage) == where), None)
    if source is None or not is_used:
        return f"{name} is no longer read"
    if not source.healthy:
        return f"The {name} collector is now failing for another reason ({why_words(source.reason)})"
    if source.held_since is not None:
        return f"{name} answers, but its latest answers are quarantined"
    if key.kind is ConditionKind.CONTROL_ACCOUNTS_HELD:
        return f"Answers from {name} are believed again"
    return f"The {name} collector works again"


def _is_whole(platform: Platform | None, place: str, vantage: str) -> bool:
    """Whether what is said of a source holds for all of its platform, and not for one server or vantage."""
    return not vantage and (platform is None or not DECLARED[platform].is_one_server(place))


def _stopped(source: CollectorReport) -> Condition | None:
    """The whole of a platform stopped for a reason that does not pass by itself."""
    is_whole = _is_whole(source.platform, source.place, source.vantage)
    stops = not source.healthy and source.reason in BREAKERS and is_whole
    if not stops or source.since is None:
        return None
    return Condition(
        _key(ConditionKind.CREDENTIALS_OR_CREDITS, source),
        source.since,
        f"The {_name(source)} collector stopped ({why_words(source.reason)})",
        quoted(source.detail),
        to_do(source.platform, source.reason) or WAIT,
    )


def _quarantined(source: CollectorReport, now: datetime, thresholds: Thresholds) -> Condition | None:
    is_told = not source.healthy and source.reason == MissedReason.HELD
    since = source.held_since or (source.since if is_told else None)
    stops_otherwise = not source.healthy and not is_told
    if since is None or stops_otherwise or now - since <= thresholds.quarantined_for:
        return None
    doubted = ", ".join(map(handle_name, source.doubted))
    return Condition(
        _key(ConditionKind.CONTROL_ACCOUNTS_HELD, source),
        since,
        f"Answers from {_name(source)} are quarantined, because its control accounts look wrong",
        quoted(source.detail) or (f"{doubted} looked wrong" if doubted else ""),
        to_do(source.platform, MissedReason.HELD) or WAIT,
    )


def retired_check(retired: RetiredControls) -> Condition:
    names = ", ".join(map(handle_name, retired.handles))
    where = collector_name(retired.platform, retired.place, "")
    accounts, has, is_ = (
        ("account", "has", "is") if len(retired.handles) == 1 else ("accounts", "have", "are")
    )
    return Condition(
        ConditionKey(ConditionKind.CONTROL_ACCOUNTS_RETIRED, retired.platform, retired.place),
        retired.since,
        f"Control {accounts} {names} on {where} no longer {has} the expected status and {is_} not read any "
        "more",
        "",
        f"Replace them in the setting {retired.platform.value}_canaries and restart the command “blockline "
        "run”. "
        "Until then, Blockline chooses control accounts itself, where it finds any.",
    )


def _blind(
    coverage: PlatformCoverage, sources: Iterable[CollectorReport], now: datetime, thresholds: Thresholds
) -> Condition | None:
    since = coverage.last_answer_at or coverage.first_due_at
    is_late = since is not None and now - since > thresholds.late_after
    if since is None or coverage.heard or not coverage.due or not is_late:
        return None
    here = [s for s in sources if s.platform is coverage.platform]
    stopped = [s for s in here if not s.healthy and _is_whole(s.platform, s.place, s.vantage)]
    reason = stopped[0].reason if stopped else None
    due = coverage.due_targets
    what = "was read yet" if coverage.last_answer_at is None else "is read"
    return Condition(
        ConditionKey(ConditionKind.COLLECTOR_BLIND, coverage.platform),
        since,
        f"{due.none} on {PLATFORM_NAME[coverage.platform]} {what}, though {_watched(due)} there",
        quoted(": ".join(filter(None, (why_words(reason), stopped[0].detail)))) if stopped else "",
        (to_do(coverage.platform, reason) or WAIT) if stopped else _IS_IT_RUNNING,
    )


def late_check(
    platform: Platform, late: int, due: TargetCount, now: datetime, thresholds: Thresholds
) -> Condition | None:
    """`late` of the `due` accounts and posts were not read in time."""
    if not due or late / due.total <= LATE_AT_MOST:
        return None
    of = f"{late:,} of {due.whole()}"
    was = "was" if late == 1 else "were"
    return Condition(
        ConditionKey(ConditionKind.COVERAGE_LATE, platform),
        now,
        f"On {PLATFORM_NAME[platform]} {of} ({late / due.total:.1%}) {was} not read in the last "
        f"{span(thresholds.late_after)}",
        "",
        _LATE_TO_DO,
    )


def mail_checks(mails: MailFacts, now: datetime, thresholds: Thresholds) -> list[Condition]:
    """Emails that are not written, sent or accepted, and those that failed permanently."""
    found = [_stuck(mails, now, thresholds), _given_up(mails.given_up, now, thresholds)]
    return [one for one in found if one is not None]


def _stuck(mails: MailFacts, now: datetime, thresholds: Thresholds) -> Condition | None:
    untold, untried, refused = mails.untold, mails.untried, mails.refused
    said: list[str] = []
    if untold.count:
        waits = "waits" if untold.count == 1 else "wait"
        said.append(f"{number(untold.count, 'change')} {waits} for an alert, and no email is written")
    if untried.count:
        waits, them = ("waits", "it") if untried.count == 1 else ("wait", "them")
        said.append(f"{number(untried.count, 'email')} {waits}, and no process tries to send {them}")
    if refused.count:
        was = "was" if refused.count == 1 else "were"
        old = span(thresholds.refused_for)
        said.append(f"{number(refused.count, 'email')} written more than {old} ago {was} not accepted")
    if not said:
        return None
    return Condition(
        ConditionKey(ConditionKind.OUTBOX_STUCK),
        min((m.since for m in (untold, untried, refused) if m.since is not None), default=now),
        "; ".join(said),
        quoted(untried.error or refused.error),
        " ".join(
            todo
            for those, todo in (
                (untold, _UNTOLD_TO_DO),
                (untried, _UNTRIED_TO_DO),
                (refused, _REFUSED_TO_DO),
            )
            if those.count
        ),
    )


def _given_up(mails: UndeliveredMails, now: datetime, thresholds: Thresholds) -> Condition | None:
    if not mails.count:
        return None
    return Condition(
        ConditionKey(ConditionKind.DEAD_LETTERS),
        mails.since or now,
        f"{number(mails.count, 'email')} failed permanently in the last {span(thresholds.given_up_within)}",
        quoted(mails.error),
        _GIVEN_UP_TO_DO,
    )


def rules_check(rules: Sequence[UnreadableRule], now: datetime) -> Condition | None:
    if not rules:
        return None
    they = "cannot be read and sends nothing" if len(rules) == 1 else "cannot be read and send nothing"
    return Condition(
        ConditionKey(ConditionKind.RULES_UNREADABLE),
        now,
        f"{number(len(rules), 'alert rule')} {they}",
        quoted("; ".join(f"{clean(r.name, 80)}: {r.why}" for r in rules)),
        "Correct or remove each rule. The command “blockline doctor” and the Alerts page list them.",
    )


def _key(kind: ConditionKind, source: CollectorReport) -> ConditionKey:
    return ConditionKey(kind, source.platform, source.place, source.vantage)


def _name(source: CollectorReport) -> str:
    return collector_name(source.platform, source.place, source.vantage)


def _watched(due: TargetCount) -> str:
    return f"{due.words()} {'is' if due.total == 1 else 'are'} watched"
