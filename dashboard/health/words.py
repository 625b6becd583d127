"""What the figures of the Health page mean, and what a person can do when one of them is bad. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.ui import words
from dashboard.ui.words import share
from storage.accounts.canaries import Origin
from storage.health.canaries_report import Control
from storage.health.checks import late_check, retired_check
from storage.health.condition_facts import RetiredControls, Thresholds
from storage.health.database_report import Database, Growth, TableSize
from storage.health.maintenance_tasks_report import MaintenanceTasks
from storage.model.alerts.conditions import Condition, ConditionKind
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.core.late import LATE_AT_MOST, LATE_SWEEPS
from storage.model.limits.rate_limits import BudgetBasis, BudgetState, NamedBudget
from storage.model.platforms.registry import DECLARED
from storage.model.text.collectors import WAIT, collector_name, to_do, why_words
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import number
from storage.postgres.replica import ReplicaState
from storage.readings.lateness_report import Lateness
from storage.readings.rates_report import Rate, RequestTally

MISSED_AT_MOST = 0.1
"""A greater share of missed attempts in the last hour is worth a look."""
CONNECTIONS_AT_MOST = 0.8
ANCHORED_WITHIN = timedelta(days=2)
RETAINED_WITHIN = timedelta(days=2)
ARCHIVED_WITHIN = timedelta(days=2)
ASKED_LATELY = timedelta(hours=1)
LIMIT_REASONS = (MissedReason.RATE_LIMITED, MissedReason.USAGE_CAPPED, MissedReason.CREDITS)
"""By these a platform says that it allows no more."""


@dataclass(frozen=True, slots=True)
class HealthVerdict:
    """What is wrong with one part and what to do about it; all empty when it was seen to be well."""

    wrong: str = ""
    to_do: str = ""
    unproved: str = ""
    """Why nothing shows that it is well, where nothing wrong was seen either."""


WELL = HealthVerdict()


def _unproved(said: str) -> HealthVerdict:
    return HealthVerdict(unproved=said)


def told_of(found: Iterable[Condition], kinds: Collection[ConditionKind]) -> HealthVerdict:
    """The first of them that is of one of these kinds."""
    for one in found:
        if one.key.kind in kinds:
            said = f" “{one.detail}”" if one.detail else ""
            return HealthVerdict(f"{one.sentence}.{said}", one.to_do)
    return WELL


def reading_verdict(rates: Sequence[Rate]) -> HealthVerdict:
    """About the worst of them in the last hour."""
    bad = [r for r in rates if _missed_share(r.hour) > MISSED_AT_MOST]
    if not bad:
        return _idle(rates)
    worst = max(bad, key=lambda r: (_missed_share(r.hour), r.hour.missed_in_all))
    reason = worst.hour.missed[0][0]
    tried = worst.hour.missed_in_all + worst.hour.readings
    name = collector_name(worst.platform, "", worst.vantage)
    return HealthVerdict(
        f"{name}: {share(worst.hour.missed_in_all, tried)} of the attempts in the last hour gave no "
        f"conclusive answer. Most frequent reason: {why_words(reason)}.",
        to_do(worst.platform, reason) or WAIT,
    )


def _idle(rates: Sequence[Rate]) -> HealthVerdict:
    """Of a collector without a request in the last hour nothing is known of that hour."""
    idle = [collector_name(r.platform, "", r.vantage) for r in rates if not r.hour.requests]
    return _unproved(f"No data: no request in the last hour by {', '.join(idle)}.") if idle else WELL


def _missed_share(tally: RequestTally) -> float:
    tried = tally.missed_in_all + tally.readings
    return tally.missed_in_all / tried if tried else 0.0


def per_minute(tally: RequestTally) -> str:
    """Readings of an hour: "23 per minute", "0.4 per minute"."""
    rate = tally.readings / 60
    return f"{rate:,.0f} per minute" if rate >= 10 or not rate else f"{rate:.1f} per minute"


def missed_words(tally: RequestTally) -> list[str]:
    return [f"{n:,} {why_words(reason)}" for reason, n in tally.missed]


def limited(tally: RequestTally) -> int:
    """Attempts without an answer because the platform allows no more."""
    return sum(n for reason, n in tally.missed if reason in LIMIT_REASONS)


def budget_verdict(rates: Sequence[Rate]) -> HealthVerdict:
    spent = [r for r in rates if limited(r.hour)]
    if not spent:
        return _idle(rates)
    names = ", ".join(collector_name(r.platform, "", r.vantage) for r in spent)
    return HealthVerdict(
        f"Limit reached in the last hour: {names}.",
        "Requests resume by themselves when the platform's pause ends. If this happens in every sweep, watch "
        "fewer accounts or raise the setting sweep_every. If credits or a usage cap are used up, raise the "
        "credits or the cap.",
    )


def left(budget: BudgetState, now: datetime) -> tuple[str, str]:
    """How many requests a platform still allows, and until when; what is not known is not guessed."""
    match budget.basis_at(now):
        case BudgetBasis.COUNTED:
            of = "" if budget.most is None else f" of {budget.most:,}"
            return f"{budget.left_over:,}{of}", words.exact(budget.until)
        case BudgetBasis.NO_LIMIT:
            return "no limit stated", "–"
        case BudgetBasis.UNKNOWN:
            return "not known until the next answer", "–"


def asked_lately(found: Iterable[NamedBudget], now: datetime) -> list[NamedBudget]:
    """Those from which a request was taken in the last hour, that of which least is left first."""
    lately = [one for one in found if now - one.taken_at <= ASKED_LATELY]
    return sorted(lately, key=lambda one: _scarce_first(one, now))


def counted_as(one: NamedBudget) -> str:
    """Whose budget it is, and what is counted apart in it. Some platforms count by token, of which a hash is
    kept. Where no machine has a name of its own, all have one address, which is not named.
    """
    name = one.name.removeprefix(f"{one.platform.value} ")
    return f"token {name}" if DECLARED[one.platform].counts_by_key else name.removeprefix("from  ")


def _scarce_first(one: NamedBudget, now: datetime) -> tuple[bool, float, Platform, str]:
    """Sorts budgets by the share that is left; last come those of which no number is known."""
    budget = one.budget
    is_counted = budget.basis_at(now) is BudgetBasis.COUNTED
    share_left = budget.left_over / (budget.most or 1) if is_counted else 0.0
    return not is_counted, share_left, one.platform, one.name


def lateness_verdict(found: Sequence[Lateness], now: datetime, sweep_every: timedelta) -> HealthVerdict:
    rules = Thresholds(sweep_every)
    late: list[Condition | None] = []
    for platform in dict.fromkeys(one.platform for one in found):
        here = [one for one in found if one.platform is platform]
        overdue = counted(here, lambda one: one.later_than(LATE_SWEEPS)).total
        due = counted(here, lambda one: one.watched - one.new)
        late.append(late_check(platform, overdue, due, now, rules))
    verdict = told_of(filter(None, late), {ConditionKind.COVERAGE_LATE})
    if verdict is WELL and (older := counted(found, lambda one: one.older)):
        which = f"One {older.nouns} was" if older.total == 1 else f"{older.words()} were"
        return HealthVerdict(
            f"{which} not read for four sweeps.",
            f"The table below names {older.these}. The page of each shows what the platform answered.",
        )
    if verdict is WELL and (unread := [one for one in found if one.new > LATE_AT_MOST * one.watched]):
        new = counted(unread, lambda one: one.new)
        each = ", ".join(
            f"{number(one.new, 'post') if one.of_posts else f'{one.new:,}'} on "
            f"{collector_name(one.platform, '', '')}"
            for one in unread
        )
        return _unproved(f"No data yet: new {new.kinds} without a reading ({each}).")
    return verdict


def counted(found: Iterable[Lateness], count: Callable[[Lateness], int]) -> TargetCount:
    """Add up a count of accounts and of posts."""
    return sum(
        (TargetCount(0, count(o)) if o.of_posts else TargetCount(count(o)) for o in found), TargetCount()
    )


def controls_verdict(found: Sequence[Control], now: datetime, late_after: timedelta) -> HealthVerdict:
    """About those in doubt, else those retired, else those that no answer showed lately."""
    doubted = [c for c in found if c.doubts and c.retired_at is None]
    if doubted:
        name = "One control account" if len(doubted) == 1 else f"{len(doubted):,} control accounts"
        return HealthVerdict(
            f"{name} did not have the expected status in the last answer.",
            to_do(doubted[0].platform, MissedReason.HELD) or WAIT,
        )
    named = [
        RetiredControls(c.platform, c.place, (c.handle,), c.retired_at)
        for c in found
        if c.retired_at is not None and c.origin is Origin.SETTINGS
    ]
    verdict = told_of(map(retired_check, named), {ConditionKind.CONTROL_ACCOUNTS_RETIRED})
    unseen = [c for c in found if c.retired_at is None and not is_seen(c, now, late_after)]
    if verdict is WELL and unseen:
        name = "one control account" if len(unseen) == 1 else f"{len(unseen):,} control accounts"
        return _unproved(f"No data: {name} had no answer in the last {words.span(late_after)}.")
    return verdict


def is_seen(one: Control, now: datetime, late_after: timedelta) -> bool:
    """Whether an answer of late showed the expected status."""
    return one.seen_at is not None and now - one.seen_at <= late_after


def replica_note(state: ReplicaState | None) -> str:
    """When the replica was last up to date, or why it is not read. Empty before the first check."""
    if state is None:
        return ""
    if state.trouble is not None:
        return state.trouble if state.since is None else f"since {words.stamp(state.since)}. {state.trouble}"
    return "" if state.at is None else f"up to date at {words.stamp(state.at)}"


def database_verdict(found: Database, replica: ReplicaState | None) -> HealthVerdict:
    if found.connections <= CONNECTIONS_AT_MOST * found.most_connections:
        if replica is None or replica.is_used:
            return WELL
        return HealthVerdict(
            "The replica is not in use. Exports, reports and Replay are read from the primary.",
            "Results are complete and current. Fix the replica, or remove the setting database_read_url. "
            "Blockline tries the replica again after 30 s.",
        )
    return HealthVerdict(
        f"{found.connections:,} of the {found.most_connections:,} connections of the server are in use.",
        "Find the clients with the query “select * from pg_stat_activity”. Raise the server's setting "
        "max_connections, or run fewer web processes.",
    )


def listener_verdict(is_listening: bool) -> HealthVerdict:
    if is_listening:
        return WELL
    return HealthVerdict(
        "This web process receives no notifications from the database. It polls once per second instead.",
        "It reconnects by itself. If this lasts, check the setting database_url. It must lead to the primary "
        "server, not to a replica or to a pooler without support for LISTEN.",
    )


def is_anchored_daily(found: MaintenanceTasks, now: datetime) -> bool:
    """Whether the chain got a time stamp lately. Otherwise the authority is away, or no longer set."""
    return found.anchored_at is not None and now - found.anchored_at <= ANCHORED_WITHIN


def chain_verdict(found: MaintenanceTasks, now: datetime) -> HealthVerdict:
    """For an installation without an authority nothing is wrong: that is its choice."""
    if found.anchored_at is None or is_anchored_daily(found, now):
        return WELL
    return HealthVerdict(
        f"The hash chain has had no time stamp for {words.span(now - found.anchored_at)}.",
        "The command “blockline doctor” shows what the time-stamping authority answers. The command "
        "“blockline evidence anchor” requests a time stamp now.",
    )


def checkpoint_verdict(found: MaintenanceTasks, now: datetime) -> HealthVerdict:
    """Whether the log continues its newest checkpoint, and whether it gets one each day while it grows."""
    newest = found.checkpoint
    if newest is None:
        return WELL
    if not newest.is_continued:
        return HealthVerdict(
            f"The log does not continue its newest checkpoint, which covers {newest.size:,} entries.",
            "An entry, a node of the tree or the checkpoint was altered or removed. The command “blockline "
            "evidence chain” computes everything again. Restore a backup, or keep the database as evidence.",
        )
    if newest.size < found.chain_entries and now - newest.at > ANCHORED_WITHIN:
        return HealthVerdict(
            f"No checkpoint of the log was signed for {words.span(now - newest.at)}.",
            "A process with the role “collect” signs one per day, and its log says why it did not. The "
            "command “blockline evidence checkpoint” signs one now.",
        )
    return WELL


def retention_verdict(found: MaintenanceTasks, now: datetime) -> HealthVerdict:
    last = found.retention_at
    if not found.retention_lists or (last is not None and now - last <= RETAINED_WITHIN):
        return WELL
    when = "never been checked" if last is None else f"not been checked for {words.span(now - last)}"
    return HealthVerdict(
        f"Retention periods have {when}.",
        "A process with the role “collect” checks them once per day. Check that the command "
        "“blockline run” is running.",
    )


def is_archived_daily(found: MaintenanceTasks, now: datetime) -> bool:
    """Whether months to archive were sought lately. Otherwise that is not set, or it failed."""
    return found.archive_at is not None and now - found.archive_at <= ARCHIVED_WITHIN


def archive_verdict(found: MaintenanceTasks) -> HealthVerdict:
    if found.archive_failure is None:
        return WELL
    return HealthVerdict(
        "Old months were not archived.",
        f"{found.archive_failure} They are tried again at most an hour later, if the setting "
        "archive_after_months is set, and by the command “blockline archive”.",
    )


GROUPS = {
    "archived_month": "Coverage",
    "archived_file": "Coverage",
    "archived_week": "Coverage",
    "archived_day": "Coverage",
    "archive_run": "Coverage",
    "coverage_row": "Coverage",
    "coverage_aside": "Coverage",
    "roster": "Coverage",
    "change": "Changes and evidence",
    "change_outcome": "Changes and evidence",
    "evidence": "Changes and evidence",
    "spell": "Changes and evidence",
    "chain": "Changes and evidence",
    "chain_anchor": "Changes and evidence",
    "chain_checkpoint": "Changes and evidence",
    "chain_node": "Changes and evidence",
    "audit_chain": "Changes and evidence",
    "pending_change": "Changes and evidence",
    "pending_step": "Changes and evidence",
    "imported_span": "Changes and evidence",
    "fact": "Changes and evidence",
    "alert": "Alerts and emails",
    "alert_decision": "Alerts and emails",
    "mail": "Alerts and emails",
    "mail_alert": "Alerts and emails",
    "story": "Alerts and emails",
    "story_wave": "Alerts and emails",
    "signal": "Engagements of executives",
    "signal_word": "Engagements of executives",
    "follow": "Engagements of executives",
    "engagement_counter": "Engagements of executives",
    "account": "Accounts and lists",
    "watch_list": "Accounts and lists",
    "membership": "Accounts and lists",
    "watch_period": "Accounts and lists",
    "rename": "Accounts and lists",
    "handle_record": "Accounts and lists",
    "tag": "Accounts and lists",
}
"""What is shown separately; all other tables are "Other"."""
REST = "Other"


@dataclass(frozen=True, slots=True)
class GroupSize:
    name: str
    bytes: int
    rows: int | None
    """None: the server has not estimated them yet."""
    day: float | None
    """Bytes that it grows by in a day; None where that is not known."""


def groups(tables: Collection[TableSize], growth: Growth) -> list[GroupSize]:
    """The tables by what they hold, the largest first.

    What a group grows by is its bytes a row of the table whose rows are counted by time, times those rows.
    """
    bytes_of: dict[str, int] = {}
    rows_of: dict[str, int | None] = {}
    for table in tables:
        name = GROUPS.get(table.name, REST)
        bytes_of[name] = bytes_of.get(name, 0) + table.bytes
        known = rows_of.get(name, 0)
        rows_of[name] = None if known is None or table.rows is None else known + table.rows
    rows_by_table = {t.name: t.rows for t in tables}
    daily = {
        GROUPS["coverage_row"]: ("coverage_row", float(growth.coverage_day)),
        GROUPS["chain"]: ("chain", growth.chain_week / 7),
        GROUPS["signal"]: ("signal", growth.signal_week / 7),
    }
    found: list[GroupSize] = []
    for name, size in bytes_of.items():
        counted, added = daily.get(name, ("", 0.0))
        rows = rows_by_table.get(counted)
        found.append(GroupSize(name, size, rows_of[name], size * added / rows if rows else None))
    return sorted(found, key=lambda g: (g.name == REST, -g.bytes, g.name))
