"""Deciding again: the stored readings of a time once more through detection, confirmation and alert rules."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.alerting.rules_file import FileRule
from jobs.base.errors import CommandError
from jobs.detect.confirmation import ConfirmationRule
from jobs.replay.compare_changes import ChangeComparison, compare
from jobs.replay.compare_mails import MailComparison, accounts_of, reevaluate_mails
from jobs.replay.redetect_fast import redetect_fast
from jobs.replay.what_if_rules import OtherRules
from storage.accounts.list_thresholds import load_threshold_history
from storage.accounts.lookup import list_called
from storage.model.core.accounts import AccountId, ListId
from storage.model.text.target_counts import TargetCount, counted_targets
from storage.postgres.pool import Conn, open_pool
from storage.postgres.replica import snapshot, with_replica
from storage.replay import account_inputs, alert_inputs
from storage.replay.account_inputs import Courses, span
from storage.replay.rules_history import rules_since

IN_FORCE = ConfirmationRule()
_WAITS = timedelta(days=7)
"""The longest that a rule lets a change wait: for a weekly digest."""
_LOOKBACK = timedelta(days=60)
"""How far back alerts are loaded that flapping is judged by, at least."""


@dataclass(frozen=True, slots=True)
class Redecided:
    """What the readings of a time tell, and how that differs from what is stored."""

    since: datetime
    until: datetime
    """Of which readings: from the one until before the other."""
    rule: ConfirmationRule
    courses: Courses
    compared: ChangeComparison
    mails: MailComparison
    load_s: float
    """Loading the readings and what was held before."""
    decide_s: float
    """Detection and confirmation, and the comparison."""
    tell_s: float
    """The alerts and mails."""
    rules: Sequence[FileRule] | None = None
    """The alert rules that were decided by; None: those of each moment."""
    of: frozenset[AccountId] | None = None
    """The accounts that are reported; None means all. All are decided, since one list affects another."""

    @property
    def evaluated(self) -> TargetCount:
        """The accounts and posts whose readings were decided on."""
        return counted_targets((c.account.platform, c.account.native_id) for c in self.courses.accounts)

    @property
    def reported(self) -> TargetCount:
        """Those of `evaluated` that are reported."""
        if self.of is None:
            return self.evaluated
        accounts = (c.account for c in self.courses.accounts if c.account.account_id in self.of)
        return counted_targets((one.platform, one.native_id) for one in accounts)

    @property
    def readings_per_s(self) -> int | None:
        took = self.load_s + self.decide_s
        return round(self.courses.readings / took) if took else None

    @property
    def unexplained(self) -> int:
        """Changes and mails that come out otherwise although nothing was altered."""
        return self.compared.unexplained + self.mails.unexplained


async def redecide(
    conn: Conn,
    since: datetime,
    until: datetime,
    rule: ConfirmationRule = IN_FORCE,
    rules: Sequence[FileRule] | None = None,
    of_list: ListId | None = None,
    mails_until: datetime | None = None,
) -> Redecided:
    """Decide on the readings from `since` until before `until`. Nothing is written.

    `rule` has the thresholds of confirmation, of accounts whose lists have none of their own. `rules` are the
    alert rules: None for those of each moment.
    `of_list`: tell what differs for the accounts that are on this list now; None: for all. With other alert
    rules, emails count until before `mails_until`, since they gather changes first; None: until `until`.
    """
    told = until if rules is None or mails_until is None else max(until, min(mails_until, until + _WAITS))
    started = time.perf_counter()
    courses = await account_inputs.load(conn, since, until, rule.cohort_window, rule)
    loaded = time.perf_counter()
    history = await load_threshold_history(conn)
    recomputed = redetect_fast(courses.accounts, courses.confirmed_on, rule, history)
    compared = compare(courses.accounts, recomputed, until, other_thresholds=rule != IN_FORCE)
    decided = time.perf_counter()
    known = await rules_since(conn)
    tried = [*(s.rule for state in known for s in state.rules), *(row.rule for row in rules or ())]
    lookback = max((one.lookback for one in tried), default=_LOOKBACK)
    networks = any(one.not_if_unreachable for one in tried)
    stored = await alert_inputs.load(conn, since, told, known, lookback, networks=networks)
    wanted = accounts_of(courses.accounts, compared, everybody=rules is not None)
    facts = await alert_inputs.account_facts(conn, wanted)
    theirs = [
        c
        for c in courses.accounts
        if any(m.list_id == of_list and m.removed_at is None for m in c.memberships)
    ]
    of = None if of_list is None else frozenset(c.account.account_id for c in theirs)
    mails = reevaluate_mails(
        stored, courses.accounts, recomputed, compared, facts, rules, since, told, of, until
    )
    if of is not None:
        compared = compare(theirs, recomputed, until, other_thresholds=rule != IN_FORCE)
    took = time.perf_counter() - decided
    return Redecided(
        since, until, rule, courses, compared, mails, loaded - started, decided - loaded, took, rules, of
    )


async def redecide_stored(
    dsn: str,
    since: datetime | None,
    until: datetime | None,
    other: OtherRules,
    of_list: str | None,
    mails_until: datetime | None = None,
    read_dsn: str | None = None,
) -> Redecided:
    """Decide on what a database, or its replica at `read_dsn`, holds of a time; None: from the first reading
    on, or up to the last.

    `of_list` is the name of the list whose accounts are told of. `mails_until` is as for `redecide`, and
    counts only where the time holds the last reading. Raises CommandError when nothing was read then, and
    Refused for a list that is not there.
    """
    async with (
        open_pool(dsn, max_size=1) as pool,
        with_replica(pool, read_dsn),
        snapshot(pool) as conn,
    ):
        read = await span(conn)
        if read is None:
            raise CommandError("No reading is stored, so there is nothing to re-evaluate.")
        first, last = read
        list_id = None if of_list is None else await list_called(conn, of_list)
        begin, end = since or first, last + timedelta.resolution
        limit = end if until is None else min(until, end)
        found = None
        if begin < limit:
            told = mails_until if limit == end else None
            thresholds = other.confirmation or IN_FORCE
            found = await redecide(conn, begin, limit, thresholds, other.rules, list_id, told)
        if found is None or not found.courses.readings:
            raise CommandError(
                f"No reading is stored from {begin.isoformat()} to {limit.isoformat()}. The stored readings "
                f"go from {first.isoformat()} to {last.isoformat()}."
            )
        return found
